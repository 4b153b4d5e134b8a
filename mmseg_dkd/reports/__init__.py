"""What is made of finished runs: tables, curves, the paper's figures, a page."""
