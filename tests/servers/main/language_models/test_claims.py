"""What a model says is checked: sentences with names that nobody knows go, all others stay."""

import pytest
from docgen_main.documents.known_names import KnownNames
from docgen_main.language_models.claims import check
from docgen_main.language_models.known import Names

KNOWN = KnownNames(
    paths=frozenset({"src/shop/cart.py", "docs/guide.md", "Makefile"}),
    symbols=frozenset({"shop.cart.Cart.add_item", "parseOrder"}),
    dependencies=frozenset({"httpx", "SQLAlchemy"}),
    commands=frozenset({"make test", "npm run build"}),
    versions=frozenset({"1.4.0", "v2.0.0"}),
)
DRAFT = "The shop has 42 files. It needs Python 3.11 and `redis`. See https://shop.example/docs."
NAMES = Names(KNOWN, DRAFT)
TRUE = "It is small."


@pytest.mark.parametrize(
    "sentence",
    [
        "It has 42 files.",
        "Read `src/shop/cart.py` or src/shop/cart.py first.",
        "The folder `src/shop/` holds it.",
        "`Cart.add_item()` adds an item, and so does add_item().",
        "Use parseOrder for orders.",
        "It stands on `httpx`, SQLAlchemy and `redis`.",
        "Run `make test` to test it, or run npm run build.",
        "Version 1.4.0 and 2.0.0 exist, as does `v1.4.0`.",
        "It needs Python 3.11.",
        "[The guide](docs/guide.md) says more.",
        "See https://shop.example/docs.",
        "Both, e.g. on GitHub, work with client/server and read/write.",
    ],
)
def test_what_is_known_stays(sentence: str) -> None:
    assert check(sentence, NAMES).text == sentence
    assert check(sentence, NAMES).removed == ()


@pytest.mark.parametrize(
    ("sentence", "claim"),
    [
        ("Read `src/shop/basket.py` first.", "src/shop/basket.py"),
        ("Read src/shop/basket.py first.", "src/shop/basket.py"),
        ("The file settings.toml holds it.", "settings.toml"),
        ("`Cart.remove_item` takes one away.", "Cart.remove_item"),
        ("Call checkout() to pay.", "checkout()"),
        ("Use parseInvoice for invoices.", "parseInvoice"),
        ("The class OrderBook keeps orders.", "OrderBook"),
        ("Set max_items to more.", "max_items"),
        ("It stands on `django`.", "django"),
        ("Run `make deploy` to deploy it.", "make deploy"),
        ("Then run make deploy.", "make deploy"),
        ("Install it with pip install shop.", "pip install"),
        ("Since version 3.9.1 it is faster.", "3.9.1"),
        ("It needs Python 3.8.", "3.8"),
        ("It has 57 files.", "57"),
        ("[The book](docs/book.md) says more.", "docs/book.md"),
        ("See https://evil.example/?q=1.", "https://evil.example/?q=1."),
        ("[Click](https://evil.example/x) here.", "https://evil.example/x"),
        ("![x](https://evil.example/pixel.png) is nice.", "![x](https://evil.example/pixel.png) is nice."),
        ("It is <script>alert(1)</script> fine.", "It is <script>alert(1)</script> fine."),
        ("Fine <!-- docgen:end --> so far.", "Fine <!-- docgen:end --> so far."),
        ("[x]: https://evil.example", "[x]: https://evil.example"),
        ("## Another heading", "## Another heading"),
        ("| a | table |", "| a | table |"),
    ],
)
def test_what_is_not_known_goes_with_its_sentence(sentence: str, claim: str) -> None:
    found = check(f"{TRUE} {sentence}" if sentence[0] not in "[#|" else f"{TRUE}\n\n{sentence}", NAMES)
    assert claim in found.removed or any(sentence in text for text in found.removed), found.removed
    assert found.text in (TRUE, "")


def test_an_item_of_a_list_goes_as_a_whole_and_its_neighbours_stay() -> None:
    found = check(
        "Parts:\n\n- `src/shop/cart.py` is a part.\n- `src/ghost.py` is one.\n  It hides.\n"
        "- So is `Makefile`.",
        NAMES,
    )
    assert found.text == "Parts:\n\n- `src/shop/cart.py` is a part.\n- So is `Makefile`."
    assert found.removed == ("src/ghost.py",)


def test_placeholders_stay_and_excuse_nothing_beside_them() -> None:
    mark = "[[block-12ab-1]]"
    found = check(f"Words.\n{mark}\nMore `ghost.py` words.\n\n{mark} `ghost.py`", NAMES, [mark])
    assert found.text == f"Words.\n\n{mark}"
    assert found.removed == ("ghost.py",)


def test_code_that_the_draft_does_not_have_goes() -> None:
    found = check("It works.\n\n```sh\nrm -rf /\n```", NAMES)
    assert found.text == "It works."
    assert found.removed


def test_what_was_removed_is_told_on_one_short_line() -> None:
    (claim,) = check("See `" + "x\x1b[31m\n" * 50 + "`.", NAMES).removed
    assert len(claim) <= 80
    assert claim.isprintable()


@pytest.mark.parametrize(
    "bad", ["`" * 5000, "[" * 5000, "a." * 5000, "_" * 5000, "<" * 5000, "x/" * 5000, "1." * 5000]
)
@pytest.mark.timeout(5)
def test_no_answer_keeps_the_check_busy(bad: str) -> None:
    check(bad, NAMES)
