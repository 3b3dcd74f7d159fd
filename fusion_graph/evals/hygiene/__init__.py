"""Whether a score can be trusted: a judge that can judge, that is no party, and answers that were not looked up."""
