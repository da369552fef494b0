"""What the made-up people say and write: short, believable, in the words of mentoring."""

from typing import Final

from domain.words import GoalType

# Goals by type: title, how success would show.
GOALS: Final[dict[GoalType, tuple[tuple[str, str], ...]]] = {
    "career": (
        ("Find a first role in data engineering", "Three applications that led to interviews"),
        ("Move from support into product work", "A secondment agreed with both managers"),
        ("Decide between research and industry", "A written comparison, talked through with two people in each"),
        ("Build a portfolio that shows range", "Four case studies reviewed by a practitioner"),
    ),
    "leadership": (
        ("Delegate without hovering", "Two projects delivered by others, start to end"),
        ("Run one-to-ones that people look forward to", "The team's own rating after three months"),
        ("Disagree in the room, not after it", "Objections raised in the meeting where they belong"),
    ),
    "technical": (
        ("Break the monolith where it hurts most", "Billing deploys on its own"),
        ("Bring the failed-deployment rate down", "Under one in ten for a quarter"),
        ("Make the on-call week bearable", "Fewer than two night alerts a week"),
    ),
    "business": (
        ("Price the new service", "A price list that the first five customers accepted"),
        ("Write a plan that the bank will read", "A loan decision, whichever way it goes"),
        ("Keep cash for six months in hand", "The forecast matches the account three months running"),
    ),
    "wellbeing": (
        ("Leave work at a sensible hour", "Home by half past six on four days out of five"),
        ("Say no to the third project", "One commitment handed back"),
    ),
    "other": (("Feel at home in a new city and a new trade", "A circle of people to call"),),
}
GOAL_TYPES: Final[tuple[tuple[float, GoalType], ...]] = (
    (0.3, "career"), (0.25, "leadership"), (0.2, "technical"), (0.15, "business"), (0.06, "wellbeing"), (0.04, "other"),
)  # fmt: skip
URGENT: Final = (
    "The release that went wrong on Friday",
    "A resignation that nobody saw coming",
    "An offer that expires tomorrow",
    "A row with the finance director",
    "The reorganisation announced this morning",
)
AGENDA: Final = (
    "Where we left off",
    "The next step towards the goal",
    "What got in the way",
    "Rehearsing the conversation",
    "Going through the homework",
)
ASIDES: Final = ("Catching up", "The news of the week", "Books worth reading", "How the holidays went")
HOMEWORK: Final = (
    "Write down the three decisions you keep putting off",
    "Talk to two people who have done this before and note what surprised them",
    "Draft the plan on one page, no more",
    "Keep a log of interruptions for a week",
    "Rehearse the conversation with a friend and write up what changed",
    "Read the chapter on incentives and mark what you would do differently",
)
CALLS_TO_ACTION: Final = (
    "Send the draft to the board before we meet again, and tell me how it went.",
    "Book the conversation with your manager this week.",
    "Try the new agenda once, then decide.",
    "Ask the team what they would stop doing.",
)
NOTES: Final = (
    "Good energy today. The plan is smaller than last time and better for it.",
    "We went slower than intended, which turned out to be right.",
    "A hard session; we stayed with the question instead of the answer.",
    "The homework opened a door. We will pick it up there.",
    "Still circling around the same choice. Name it next time.",
)
PROGRESS_NOTES: Final = (
    "Two of the three steps are done.",
    "Slow, but moving.",
    "Blocked by others; a way round is agreed.",
)
MOVED: Final = {
    "personal": ("School called", "A family visit", "Moving house"),
    "work": ("A customer escalation", "The board meeting moved", "A production incident", "Travel to the other office"),
    "illness": ("Down with flu", "A migraine"),
    "supplier": ("The platform is under maintenance", "The room was double-booked by the supplier"),
}
CAUSES: Final = ((0.3, "personal"), (0.47, "work"), (0.17, "illness"), (0.06, "supplier"))
COMMENTS: Final = (
    "The questions stayed with me between sessions.",
    "More structure in the middle would have helped.",
    "Worth every hour.",
    "We understood each other quickly.",
)
PAUSES: Final = (
    ("Parental leave", "Both write in the first week back and book the next session then"),
    ("A product launch takes every hour", "The mentee proposes three dates once the launch is out"),
    ("The mentor is in hospital for a planned operation", "The coordinator checks in before the review day"),
    ("Exams", "Sessions go on in the week after the last paper"),
)
MITIGATIONS: Final = (
    "The mentor stays out of decisions on the mentee's pay and promotion.",
    "A colleague takes over any talk about that stakeholder.",
)
BREAKDOWNS: Final = (
    "Something said in confidence came back to me from a colleague.",
    "I no longer feel that what I say stays between us.",
)
RESTORED: Final = ("We talked it through; it was a misunderstanding about who had been in the room.",)
DISRESPECT: Final = ("A remark about my accent, made twice.", "I was talked over and laughed at in front of others.")
RESOLUTIONS: Final = ("Both met with the coordinator. An apology was offered and accepted.",)
DECLINED: Final = ("The times do not fit.", "I hoped for somebody from my own trade.")
ANSWERS: Final = ("Both calendars were looked at: it stands as it was told.",)
PROBLEMS: Final = (
    "Three messages without an answer.",
    "We cannot agree on what the sessions are for.",
    "The mentee hopes for a job offer from me, and it stands between us.",
)
CONFIDED: Final = (
    "My mentee spoke of hurting themselves, and agreed that I tell you.",
    "Somebody at home is threatened; we looked up the helpline together.",
)
BREACHES: Final = ("Sessions were discussed at a dinner with former colleagues.",)
ELSEWHERE: Final = (
    ("The enterprise support service", "A question of tax law"),
    ("The counselling service", "More than mentoring can carry"),
    ("A patent attorney", "Outside what the mentor knows"),
)
SIGNPOSTS: Final = (
    "The alumni network",
    "A course on negotiation",
    "The regional growth hub",
    "A peer group of new leaders",
)
NEXT_STEPS: Final = (
    "The mentee keeps the plan; a call in three months if both wish.",
    "Notes are handed over; the coordinator looks for somebody else.",
    "Nothing further. The door stays open.",
)
OUTCOMES: Final = (
    "Reached, and already in use.",
    "Half of it; the rest is planned.",
    "Given up for a better aim.",
    "Not begun.",
)
PRIVATE: Final = ("My health", "My marriage", "What I earn", "The business of my brother")
