"""What an eval says: figures of arms, their uncertainty, plots, one page. Pure folds over rows."""
