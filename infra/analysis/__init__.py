"""Answers to a programme owner's questions, from the datasets: what `rapport explore` tells and draws."""
