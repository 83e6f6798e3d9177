"""A few hundred prompts as people write them, easy and hard: what complexity is measured against.

They are made from patterns, in our own words; no answer to them was ever measured, so they say how a scorer spreads
its scores, not whether it is right. `suffice check` sends them through the thresholds for the same purpose.
"""

import re
from collections.abc import Mapping, Sequence

from suffice.vocabulary import Turn

_PATTERNS: Mapping[str, Sequence[str]] = {
    "How do you say {} in Italian?": ("good evening", "I am lost", "the bill, please", "see you next week"),
    "Translate to German: {}": ("The meeting starts at nine.", "Please close the window.", "We ran out of paper.",
                                "Her brother plays the cello in an orchestra that tours every summer."),
    "When was {} born?": ("Ada Lovelace", "Johann Sebastian Bach", "Marie Curie", "Nelson Mandela"),
    "What does {} mean?": ("ubiquitous", "the abbreviation RSVP", "'to burn the midnight oil'", "HTTP status 418"),
    "Who invented {}?": ("the telephone", "the printing press", "the zip fastener", "dynamite"),
    "How many {}?": ("grams are in an ounce", "legs does a spider have", "days are there in a leap year",
                     "players are on a volleyball team"),
    "What time is it in {} when it is noon in London?": ("Tokyo", "New York", "Sydney"),
    "Reply with yes or no: {}": ("is a tomato a fruit?", "is 91 a prime number?", "does sound travel in a vacuum?",
                                 "is Portugal west of Spain?"),
    "Write a subject line for an email about {}.": ("a delayed train", "a team lunch", "new parking rules"),
    "Fix the grammar: {}": ("he dont like mondays", "their going to the cinema tonite", "me and him was late",
                            "The results was better then we has expected."),
    "Make this friendlier: {}": ("Send the file now.", "Your form is wrong.", "I can't come."),
    "Shorten to five words: {}": ("The library will be closed on Friday because of a staff outing.",
                                  "We are happy to announce that our bakery opens an hour earlier from June.",
                                  "Owing to rain the concert has been moved into the town hall."),
    "Tag this headline as sports, politics or science: {}": ("Keeper saves two penalties in the final",
                                                             "Probe finds ice below the crater",
                                                             "Parliament votes on the water bill"),
    "Is this comment spam? {}": ("Win a free cruise, click here!!!", "I disagree with the second paragraph.",
                                 "cheap watches best price", "Thanks, this recipe worked well for us."),
    "Extract all {} from: 'Call Dora on 555-0142 before 3 May, or write to dora@mill.test about the 20 chairs.'":
        ("dates", "phone numbers", "names", "quantities", "email addresses"),
    "Give the {} of 'The otters slept while the river rose.'": ("subject", "main verb", "number of words", "tense"),
    "Put these in alphabetical order: {}": ("pear, fig, apple, quince", "Oslo, Bern, Riga, Athens, Lima",
                                            "violet, amber, teal"),
    "{}": ("hi", "Hello!", "thanks a lot", "yes, go ahead", "ok and the second one?", "no, the other file", "stop",
           "continue", "What can you do?", "are you a real person?", "Good morning, how are you today?",
           "same again but shorter please", "never mind", "Can you repeat that?", "why?", "Sounds good, do it.",
           "¿Dónde está la estación de tren más cercana?", "Wie komme ich zum Dom in Köln?",
           "Quel est le pluriel de « cheval » ?", "今天天气怎么样", "Сколько стоит билет до Казани?"),
    "Convert {}.": ("72 miles to kilometres", "350 degrees Fahrenheit to Celsius", "0x1F to decimal",
                    "the list 'a; b; c' to a JSON array", "2.5 cups of flour to grams"),
    "What is {}?": ("15 % of 60", "seven squared", "144 divided by 12", "3 + 4 * 2", "the past tense of 'to swim'",
                    "the chemical symbol of iron", "the largest ocean", "a good synonym for 'quick'"),
    "Give me a name for {}.": ("a ginger cat", "a small bakery", "a hiking club", "a podcast about old maps"),
    "Remind me how to {}.": ("undo the last commit in git", "freeze the top row in a spreadsheet",
                             "boil an egg", "rename a file on the command line", "mute a group chat"),
    "Summarise in two sentences: {}": (
        (
            "The ferry company said on Monday that it will replace its three oldest boats. The new ones run on "
            "batteries and carry forty cars each. Residents fear that the quay is too short, while the harbour "
            "master points out that it was lengthened only four years ago."
        ),
        (
            "Bees find flowers by scent and colour, and tell each other about them by dancing. The angle of the dance "
            "gives the direction, its length the distance. On cloudy days they use polarised light instead of the sun."
        ),
    ),
    "Explain {} to a ten-year-old.": ("gravity", "why the sea is salty", "how vaccines work", "what inflation is"),
    "List the pros and cons of {}.": ("working from home", "electric bicycles", "open-plan offices",
                                      "static typing in a scripting language"),
    "Describe the difference between {}.": ("a virus and a bacterium", "TCP and UDP", "weather and climate",
                                            "a fixed and a floating exchange rate", "a process and a thread"),
    "Draft a polite reply to a {}.": ("guest who complains about noise", "supplier who wants to raise prices by 8 %",
                                      "candidate we cannot hire", "neighbour who asks to borrow a ladder"),
    "Write a short poem about {}.": ("an empty railway station", "the first frost", "a forgotten password"),
    "Suggest a week of dinners for {}.": ("two vegetarians on a budget", "a family with a nut allergy",
                                          "someone who trains for a marathon and dislikes fish"),
    "Write a regular expression that matches {}.": ("ISO dates", "hexadecimal colours", "IPv4 addresses",
                                                    "quoted strings with escaped quotes"),
    "Write a {} function that {}.": (
        "Python|merges two sorted lists", "Python|parses Roman numerals", "JavaScript|debounces another function",
        "Go|counts words in a file using several goroutines", "Rust|reverses a linked list in place",
        "Python|finds the longest palindrome in a string", "SQL|returns the median salary per department",
        "C|trims white space without allocating memory",
    ),
    "Implement {} and explain its complexity.": ("a trie with deletion", "Dijkstra's shortest paths",
                                                 "an LRU cache", "union-find with path compression",
                                                 "a B-tree with insertion and range queries"),
    "Why does this fail? {}": (
        "`for i in range(len(xs)): if xs[i] == 0: del xs[i]`", "`SELECT name, COUNT(*) FROM visits`",
        "`const x = [1,2,3].map(parseInt)` gives NaN", "`int *p; *p = 5;` crashes only sometimes",
        "`async def main(): asyncio.sleep(1)` returns at once and prints a warning",
    ),
    "Review this design and name its weak points: {}": (
        "every service writes to one shared table, and a nightly job cleans it up",
        "we keep sessions in memory on three servers behind a round-robin balancer",
        "passwords are encrypted with one key, which the web server reads from its configuration",
    ),
    "Design {}.": ("a rate limiter for an API used by a thousand tenants", "a seating plan for 80 guests who feud",
                   "an experiment that tests whether tea improves memory", "a schema for a library with branches",
                   "a fair rota for five doctors over four weeks with two always on call"),
    "Plan {} step by step, with risks and fallbacks.": ("an office move over one weekend",
                                                        "the switch from monthly to weekly releases",
                                                        "a two-week cycling tour along the Danube",
                                                        "the merger of two customer databases"),
    "Prove that {}.": ("there are infinitely many primes", "the sum of two odd numbers is even",
                       "every tree with n nodes has n - 1 edges", "the harmonic series diverges",
                       "a continuous function on a closed interval is bounded"),
    "Solve for x and show every step: {}": ("3x + 7 = 25", "x^2 - 5x + 6 = 0", "2^(x+1) = 3^x",
                                            "|x - 2| + |x + 1| = 5"),
    "Compute {}, and justify each step.": ("the integral of x e^x", "the determinant of [[2,1,0],[1,3,1],[0,1,4]]",
                                           "the probability that two of five dice agree", "17^100 mod 13"),
    "A {}": (
        "tank fills in 6 hours by one pipe, in 4 by another, and drains in 12; how long does it take with all three?",
        "shop raises a price by 20 % and later lowers it by 25 %; by how much did it change in all?",
        "boat needs 3 hours upstream and 2 downstream for 24 km; how fast is the current?",
        "bag holds 5 red and 7 blue marbles; three are drawn without putting back. How likely is one of each at least?",
        "clock loses four minutes a day and was right on Monday at noon; when is it right again?",
    ),
    "{} Who is lying?": (
        "Ann says Ben lies, Ben says Cid lies, Cid says both others lie.",
        "Of two guards one always lies; the left one says 'we are of different kinds'.",
    ),
    "Compare {} and recommend one, with reasons and numbers.": (
        "leasing and buying a van for five years", "a heat pump and a gas boiler for an old house",
        "two cloud regions with different latency and price", "renting and buying a flat at 4 % interest",
    ),
    "Analyse the causes of {} and weigh them against each other.": ("the fall of the Western Roman Empire",
                                                                    "the 2008 financial crisis", "urban sprawl",
                                                                    "the decline of bee populations"),
    "Argue for and against {}, then decide.": ("a universal basic income", "abolishing homework",
                                               "publishing all salaries in a company"),
    "Refactor {} and keep its behaviour.": ("a 300-line function with nine flags into smaller parts",
                                            "a callback-based client into async code",
                                            "three nearly equal report classes into one"),
    "Trace the program and give its output: {}": (
        "`x = 1\nfor i in range(5):\n    x = x * 2 - i\nprint(x)`",
        "`def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nprint(f(9))`",
        "`a = [3, 1, 2]\nb = a\nb.sort()\nprint(a, a is b)`",
    ),
    "Write a test plan for {}.": ("a login form", "a currency converter with caching", "a lift controller"),
    "Estimate {} and state your assumptions.": ("how many piano tuners work in Vienna",
                                                "the yearly cost of running a server at home",
                                                "the carbon footprint of a weekend in Lisbon"),
}  # fmt: skip


def _fill() -> tuple[Turn, ...]:
    texts = [pattern.format(*filling.split("|")) for pattern, fillings in _PATTERNS.items() for filling in fillings]
    return tuple(Turn(text=text, n_tokens=len(re.findall(r"\w+|[^\w\s]", text))) for text in texts)


REFERENCE_TURNS: tuple[Turn, ...] = _fill()
"""Turns in a fixed order; their tokens are counted as words and marks."""
