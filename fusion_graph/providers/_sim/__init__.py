"""Inside the sim provider: its mind, its faults, and the sim as a real upstream."""
