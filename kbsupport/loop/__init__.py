"""What is learnt from what was sent: feedback, reviews, audits, alarms, and people's switches."""
