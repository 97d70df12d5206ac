"""The generated page of parameters is the one that the declarations make."""

from planwise.parameters import catalogue
from planwise.parameters.reference import PAGE, reference


def test_the_parameter_reference_is_current():
    made = reference(catalogue())
    assert PAGE.read_text(encoding="utf-8") == made, "run `python -m planwise.parameters.reference`"


def test_every_parameter_is_on_the_page():
    made = reference(catalogue())
    missing = [name for name in catalogue().parameters if f"| `{name}` |" not in made]
    assert missing == []
