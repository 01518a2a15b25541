"""The list of security questions that a new service begins with.

Each was chosen to stay true for a lifetime, to come back to mind without effort, to have
very many possible answers of a word or two, to be answerable anywhere in the world, and
not to be found on a profile, a certificate or a family tree.
"""

from __future__ import annotations

DEFAULT_QUESTIONS: dict[int, str] = {
    1: "What is the name of the first teacher you can remember?",
    2: "Which was the first dish you learned to cook?",
    3: "What was the shop called where you bought sweets as a child?",
    4: "What was the first thing you bought with money you had earned?",
    5: "Where was your best hiding place as a child?",
    6: "What was your dearest toy when you were small?",
    7: "Which word did you find hardest to spell at school?",
    8: "What was the name of the neighbour you remember best?",
    9: "What was the first name of the first friend you made at school?",
    10: "In which street did your best childhood friend live?",
    11: "Which story do you first remember being read to you?",
    12: "Which song do you remember a grown-up singing to you?",
    13: "Which food did you refuse to eat as a child?",
    14: "Which belonging that you lost do you still think about?",
    15: "What is the first thing you remember breaking?",
    16: "Where did you first see the sea?",
    17: "What was the surname of the first person you worked for?",
    18: "Which present from your childhood do you remember best?",
    19: "What was the first film that frightened you?",
    20: "What was the first name of the oldest relative you ever met?",
}
"""By the ids that registrations refer to: a question may be reworded, never renumbered."""
