"""Files, random numbers and processes: nothing here knows of classes or steps."""
