"""What every figure means, once; docs/figures.md and every report say it in these words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

# How long a customer has to be silent before vendors call a case resolved, and how long another
# ticket on the same topic still tells that it was not.
SILENCE = timedelta(hours=24)
AGAIN = timedelta(days=7)
# A rating from here upwards is a satisfied customer's.
SATISFIED = 4

NAMES: Mapping[str, str] = {
    "involvement": "Involvement",
    "answered": "Answered alone",
    "assumed": "Assumed resolved",
    "recontact_adjusted": "Assumed, did not come again",
    "confirmed": "Confirmed by the customer",
    "verified": "Answered under certificate",
    "audited_correct": "Answered, right by audit",
    "asked_back": "Asked back",
    "escalated": "Handed to a person",
    "csat": "Satisfied (CSAT)",
    "csat_assistant": "Satisfied, answered by the assistant",
    "csat_people": "Satisfied, answered by people",
    "rated": "Customers who rated",
    "first_in_time": "First answer in time",
    "solved_in_time": "Solved in time",
    "first_contact": "Solved at first contact",
    "first_response": "Time to first response",
    "first_response_people": "Time to first response by a person",
    "resolution": "Time to resolution",
    "resolution_people": "Time to resolution by people",
    "assistant_seconds": "Time the assistant took",
    "to_claim": "Time until claimed",
    "to_answer": "Time from claim to answer",
    "sentiment": "Mood from first to last message",
}

DEFINITIONS: Mapping[str, str] = {
    "involvement": (
        "Cases in which the assistant decided anything, of all cases. It does not decide while a "
        "person has the ticket, in shadow mode, or where it is switched off."
    ),
    "answered": (
        "Cases that the assistant answered and no person ever had, of all cases whose last message "
        "is at least 24 hours old."
    ),
    "assumed": (
        "Cases in which the assistant answered and for 24 hours the customer wrote no more, thanks "
        "aside, and no person had it; of all cases whose last message is at least 24 hours old. "
        "This is what vendors call resolved: silence counts as success."
    ),
    "recontact_adjusted": (
        "The assumed cases, less those whose customer wrote again within 7 days: later in the same "
        "conversation, or in another one on the same topic; of all cases whose last message is at "
        "least 24 hours old."
    ),
    "confirmed": (
        "Cases that the assistant answered, no person had, and whose customer said so: the newest "
        "word is a rating of 4 or 5, or helpful; of all cases whose last message is at least 24 "
        "hours old."
    ),
    "verified": (
        "Cases that the assistant answered, no person had, and every answer of which was given "
        "under a certificate; of all cases whose last message is at least 24 hours old."
    ),
    "audited_correct": (
        "The share of cases answered alone, times the share of right answers among those that "
        "were drawn at random and looked at by people; of all cases whose last message is at least "
        "24 hours old. The interval holds for both shares together; a disputed audit counts as "
        "wrong, one of an erased ticket not at all."
    ),
    "asked_back": (
        "Cases in which the last word is a question back to the customer, of all cases whose last "
        "message is at least 24 hours old."
    ),
    "escalated": (
        "Cases that a person had, for whatever reason, of all cases whose last message is at least "
        "24 hours old."
    ),
    "csat": "Ratings of 4 or 5, of all ratings given in the period.",
    "csat_assistant": "Ratings of 4 or 5, of those given after an answer of the assistant.",
    "csat_people": "Ratings of 4 or 5, of those given after an answer of a person.",
    "rated": "Cases with a rating, of all cases.",
    "first_in_time": (
        "Escalations answered before the deadline for the first answer, of those answered or past "
        "that deadline."
    ),
    "solved_in_time": (
        "Escalations answered before the deadline for the solution, of those answered or past that "
        "deadline."
    ),
    "first_contact": (
        "Escalations answered once, after which the customer wrote no more, thanks aside, within 7 "
        "days; of all that were answered. Those younger than 7 days count as seen so far."
    ),
    "first_response": (
        "From a case's first message to the first answer or question back, by the assistant or a "
        "person; that a person will write is no response."
    ),
    "first_response_people": (
        "From the moment a case was handed over to the first message of a person, by the clock, "
        "nights and weekends included."
    ),
    "resolution": (
        "From a case's first message to its last answer, of cases that now stand as answered."
    ),
    "resolution_people": "The same, of cases that a person had.",
    "assistant_seconds": "From a message's arrival to the assistant's decision.",
    "to_claim": "From the moment a case was handed over until the specialist took it.",
    "to_answer": (
        "From the moment a specialist took a case to the answer, by the clock, a wait for "
        "approval included."
    ),
    "sentiment": (
        "The mood of a customer's last message less that of the first, from -1 to 1, of cases with "
        "two messages or more; the interval is normal, for the mean."
    ),
}

INTERVALS = (
    "Intervals of shares are exact (Clopper-Pearson, two-sided, 95 %), those of percentiles come "
    "from order statistics. They say what chance leaves open for tickets like these; next month's "
    "may be others."
)
CASES = (
    "A case is a conversation, or a single question that belongs to none. A case of nothing but "
    "greetings or thanks never counts."
)
