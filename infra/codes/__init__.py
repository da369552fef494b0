"""What the tree says about the codes: which code and which tests stand behind each clause."""
