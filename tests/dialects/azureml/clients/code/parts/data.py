"""The digits, parted in the same way each time."""

from typing import Any

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def digits() -> tuple[Any, Any, Any, Any]:
    """Pixels and labels to learn from, and to be tested by."""
    pixels, labels = load_digits(return_X_y=True)
    train, test, known, expected = train_test_split(pixels / 16, labels, random_state=0)
    return train, known, test, expected
