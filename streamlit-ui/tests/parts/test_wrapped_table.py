from streamlit.testing.v1 import AppTest


def page() -> None:
    # The kit runs this function as a script of its own.
    import pandas as pd  # noqa: PLC0415

    from streamlit_ui.parts.wrapped_table import show_wrapped  # noqa: PLC0415

    show_wrapped(pd.DataFrame({"*a* b": ["**bold**", ":red[x]"]}), "A table")


def test_what_stands_in_a_table_is_never_markup() -> None:
    shown = AppTest.from_function(page).run().table[0].value
    assert list(shown.columns) == ["\\*a\\* b"]
    assert list(shown["\\*a\\* b"]) == ["\\*\\*bold\\*\\*", "\\:red\\[x\\]"]
