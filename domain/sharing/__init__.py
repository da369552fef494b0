"""Who may know what: one matrix of cells for every read, and the one function that answers from it."""
