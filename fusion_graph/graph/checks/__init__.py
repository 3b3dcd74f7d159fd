"""What is wrong with a graph whose parts are each well formed. One file a subject; `everything` runs them all."""
