"""What code that is not ours raises when it fails."""

# Beside ValueError and RuntimeError, by which it says itself what is wrong.
OF_CODE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    SyntaxError,
    TypeError,
)
