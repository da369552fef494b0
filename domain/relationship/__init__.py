"""The mentoring relationship: one aggregate, four states, the rules of five codes."""
