"""The rules of mentoring relationships: pure, without clock, randomness or input and output."""
