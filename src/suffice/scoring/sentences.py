"""The shipped example sentences, for no application in particular: replace them by your own in `scorer`."""

SIMPLE = (
    "What are your opening hours on public holidays?",
    "Which category does this message belong to: billing, delivery or feedback?",
    "Give me the phone number that is mentioned in the note.",
    "Is the tone of this comment friendly or angry?",
    "Translate 'good morning' into Spanish.",
    "Who wrote the novel Frankenstein?",
    "Rephrase this sentence so that it sounds more polite.",
    "According to the paragraph, when does the museum close?",
    "Turn these three items into a bulleted list.",
    "How many minutes are there in two hours?",
    "Thanks, that was all I needed.",
    "Correct the spelling mistakes in this line.",
)
"""Intents, lookups, extraction, short rewriting, everyday facts."""

COMPLEX = (
    "Prove that the square root of two is irrational, and say which step fails for four.",
    "Write a thread-safe cache with expiry in Rust, and explain how you avoid deadlocks.",
    "Find out why this recursive function never returns for odd inputs, and correct it.",
    "Plan the migration of a payment system to another database without any downtime.",
    "Three trains leave at different times and speeds; work out step by step when all of them have passed the bridge.",
    "Compare two mortgage offers over twenty years, taking early repayment and inflation into account.",
    "Design a schedule for nine nurses such that nobody works two nights in a row.",
    "Derive the gradient of this loss function and show how it behaves near zero.",
    "Weigh the legal and ethical arguments on both sides, and defend a conclusion of your own.",
    "Trace this program by hand and give the value of each variable after every iteration.",
    "Optimise this query, which joins four large tables, and justify every index you add.",
    "From the five clues, deduce who owns which house, and show why no other solution exists.",
)
"""Reasoning in several steps, code, planning, proofs."""
