"""Messages in, receipts out: form is checked here, the rules decide, one transaction keeps what came of it."""
