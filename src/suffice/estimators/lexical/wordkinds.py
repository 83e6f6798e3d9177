"""Kinds of words that ask for something: shared weights for words that few outcomes have."""

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "negation": "not no never none nor except without cannot neither isn aren doesn don didn won wasn weren "
    "false incorrect",
    "fact": "who when where name year date born capital called known invented wrote country city author",
    "reason": "why because cause causes reason explain therefore hence imply implies conclude infer "
    "deduce justify",
    "proof": "prove proof show theorem lemma derive derivation converges diverges bounded continuous iff "
    "suppose assume let",
    "quantity": "how many much total sum number average mean percent half twice double rate each per "
    "remaining left cost",
    "mathematics": "solve equation integral derivative polynomial matrix determinant vector function root "
    "roots prime modulo probability triangle angle circle radius area volume square cubic graph "
    "group ring field finite infinite",
    "code": "code function class method array list string loop return print def int float bool null "
    "true variable python javascript java sql regex bug compile error exception output input "
    "program algorithm recursion",
    "choice": "which following option options choose select answer correct best statement statements true "
    "false",
    "writing": "write draft essay poem story letter email blog rewrite rephrase edit tone paragraph",
    "shortening": "summarize summarise summary shorten brief short sentence sentences word words only tldr",
    "language": "translate translation english german french spanish italian chinese japanese grammar "
    "spelling",
    "labelling": "classify category sentiment positive negative neutral label tag spam extract identify find",
    "planning": "plan design schedule strategy architecture compare evaluate analyze analyse optimize "
    "optimise tradeoff step steps",
    "form": "json yaml xml csv table markdown bullet list format schema exactly must",
    "talk": "hi hello hey thanks thank please ok okay yes sure bye sorry",
}  # fmt: skip
"""Words by kind; a word may be of several."""

OPENINGS = (
    "what", "which", "who", "when", "where", "why", "how", "is", "are", "do", "does", "can", "if", "let", "find",
    "write", "explain", "translate", "summarize", "the", "a", "in",
)  # fmt: skip
"""First words that have a weight of their own."""

KINDS_OF: Mapping[bytes, tuple[int, ...]] = {
    word.encode(): tuple(index for index, words in enumerate(KINDS.values()) if word in words.split())
    for words in KINDS.values()
    for word in words.split()
}
"""Places in `KINDS` by word."""
