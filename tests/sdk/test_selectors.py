"""Selectors give what the reference's give, for any query and any nested data."""

from __future__ import annotations

import pickle
import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import rerun.chunk as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge._selector import Selector
from rrbridge.errors import RrbridgeError, SelectorError, SelectorSyntaxError

TOKENS = [
    ".", ".a", ".b-c", "._d", ".é1", "[", "]", "[]", "[0]", "[12]", "[18446744073709551616]", "(", ")", ",", "|", "?", "!",
    " ", "\n", "a", "map", "pack", "map(", "pack(", "string_prefix", '"', '"x y"', '"\\n"', '"\\q"', "0", "-", ";", "$",
]  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=9).map("".join))
def test_the_same_queries_are_well_formed(query: str) -> None:
    try:
        theirs = str(reference.Selector(query))
    except ValueError:
        with pytest.raises(SelectorSyntaxError) as caught:
            Selector(query)
        assert caught.value.query == query
    else:
        ours = Selector(query)
        assert (str(ours), repr(ours)) == (theirs, repr(reference.Selector(query)))
        assert str(Selector(theirs)) == theirs


INNER = pa.struct([pa.field("x", pa.float64(), nullable=False), ("name", pa.utf8())])
OUTER = pa.struct([
    ("n", pa.int64()),
    ("inner", INNER),
    ("numbers", pa.list_(pa.int32())),
    ("many", pa.list_(INNER)),
    ("nested", pa.list_(pa.list_(pa.int32()))),
    ("vector", pa.list_(pa.float32(), 2)),
    pa.field("id", pa.int64(), nullable=False),
    pa.field("pair", pa.list_(pa.field("item", pa.float64(), nullable=False), 2), nullable=False),
])  # fmt: skip


def values_of(datatype: pa.DataType, nullable: bool = True) -> st.SearchStrategy[Any]:
    """Python values for a type."""
    made: st.SearchStrategy[Any]
    if pa.types.is_struct(datatype):
        fields = [datatype.field(i) for i in range(datatype.num_fields)]
        made = st.fixed_dictionaries({f.name: values_of(f.type, f.nullable) for f in fields})
    elif pa.types.is_fixed_size_list(datatype):
        item = values_of(datatype.value_type, datatype.value_field.nullable)
        made = st.lists(item, min_size=datatype.list_size, max_size=datatype.list_size)
    elif pa.types.is_list(datatype):
        made = st.lists(values_of(datatype.value_type), max_size=3)
    elif pa.types.is_integer(datatype):
        made = st.integers(-9, 9)
    elif pa.types.is_floating(datatype):
        made = st.sampled_from([0.5, -1.0, 8.0])
    else:
        made = st.sampled_from(["", "a", "bc"])
    return st.one_of(st.none(), made) if nullable else made


NAMES = ["n", "inner", "numbers", "many", "nested", "vector", "id", "pair", "x", "name", "missing"]
MARKS = st.sampled_from(["", "", "", "?", "!", "!?"])
FIELD = st.builds("{}{}".format, st.sampled_from(NAMES).map(".{}".format), MARKS)
INDEX = st.builds("{}{}".format, st.sampled_from(["[0]", "[1]", "[5]"]), MARKS)


@st.composite
def paths(draw: st.DrawFn, *, each: bool = True) -> str:
    """Paths that the reference survives: it aborts where `[]` meets `[]`, and reads what lies under nulls after `[n]`."""
    parts = draw(st.lists(FIELD, min_size=1, max_size=3))
    tail = draw(st.sampled_from(["", "", "index", "each"]))
    if tail == "index":
        parts.append(draw(INDEX))
    elif tail == "each" and each:
        parts.append("[]" + draw(st.sampled_from(["", "?"])))
        parts += draw(st.lists(FIELD.filter(lambda f: "!" not in f), max_size=1))
    return "".join(parts)


def is_settled(query: str) -> bool:
    """Whether the reference can do it: single elements of fixed-size lists it promises for later."""
    return re.search(r"(vector|pair)[?!]*\[\d", query) is None


TERMS = st.one_of(
    paths(),
    paths(),
    st.just("."),
    st.just('"k"'),
    st.lists(paths(each=False), min_size=1, max_size=3).map(lambda p: f"pack({', '.join(p)})"),
    st.sampled_from(['string_prefix("p")', "string_prefix", 'nothing("q")']),
)
QUERIES = st.one_of(
    TERMS,
    st.builds("{} | {}".format, paths(each=False), st.one_of(TERMS.map("map({})".format), FIELD, st.just('"k"'))),
)


def values_by_row(selector: str | Selector, lists: pa.Array) -> list[Any]:
    found = Selector.of(selector).execute_per_row(lists)
    assert found is not None
    return list(found.to_pylist())


def values(selector: str | Selector, array: pa.Array) -> list[Any]:
    found = Selector.of(selector).execute(array)
    assert found is not None
    return list(found.to_pylist())


def outcome(run: Any) -> Any:
    """Type and values, None, or that it failed."""
    try:
        found = run()
    except RuntimeError:
        return "RuntimeError"
    return found if found is None else (found.type, found.to_pylist())


@settings(max_examples=1000, deadline=None)
@given(
    query=QUERIES.filter(is_settled),
    rows=st.lists(st.one_of(st.none(), st.lists(values_of(OUTER), max_size=3)), max_size=4),
)
def test_rows_become_what_the_reference_makes_of_them(query: str, rows: list[Any]) -> None:
    lists = pa.array(rows, pa.list_(OUTER))
    theirs = outcome(lambda: reference.Selector(query).execute_per_row(lists))
    ours = outcome(lambda: Selector(query).execute_per_row(lists))
    assert ours == theirs
    assert ours is None or isinstance(ours, str) or len(ours[1]) == len(rows)


@settings(max_examples=500, deadline=None)
@given(
    query=QUERIES.filter(lambda q: is_settled(q) and ("[]" not in q or "!" not in q)),
    items=st.lists(values_of(OUTER), max_size=4),
)
def test_arrays_become_what_the_reference_makes_of_them(query: str, items: list[Any]) -> None:
    array = pa.array(items, OUTER)
    theirs = outcome(lambda: reference.Selector(query).execute(array))
    assert outcome(lambda: Selector(query).execute(array)) == theirs


def test_elements_of_fixed_size_lists_are_taken_by_their_place() -> None:
    positions = pa.array([[[1, 2], [3, 4]], None, [None], []], pa.list_(pa.list_(pa.float32(), 2)))
    assert values_by_row("[1]", positions) == [[2, 4], None, [None], []]
    assert values_by_row("[2]", positions.slice(1)) == [None, [None], []]


def test_what_lies_under_nulls_and_outside_a_slice_is_not_seen() -> None:
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 3, 5]), pa.array(range(5)), mask=pa.array([False, True, False]))
    assert values("[]", lists) == [0, 1, 3, 4]
    assert values("[]", lists.slice(1)) == [3, 4]
    nested = pa.array([[[1], [2, 3]], [], None], pa.list_(pa.list_(pa.int64())))
    assert values("[0][]", nested) == [1]
    assert values("[][]", nested) == [1, 2, 3]


def test_functions_take_all_values_at_once() -> None:
    lists = pa.array([[{"a": 1}, {"a": 2}], None, [], [{"a": None}]], pa.list_(pa.struct([("a", pa.int64())])))
    calls = []

    def doubled(array: pa.Array) -> pa.Array:
        calls.append(len(array))
        return pc.multiply(array, 2)

    piped = Selector(".a").pipe(doubled).pipe(Selector('. | "x"'))
    assert str(piped) == '.a | <function> | . | "x"'
    assert values_by_row(Selector(".a").pipe(doubled), lists) == [[2, 4], None, [], [None]]
    assert calls == [3]
    assert Selector(".a").pipe(lambda _: None).execute_per_row(lists) is None
    assert Selector(".missing").pipe(doubled).execute_per_row(lists) is None
    for function in (lambda a: a.slice(1), lambda _: 5, lambda _: 1 / 0, lambda a: pa.chunked_array([a])):
        with pytest.raises(SelectorError, match="its function"):
            Selector(".a").pipe(function).execute_per_row(lists)


def test_only_text_can_be_sent_to_other_processes() -> None:
    piped = Selector(".a | .b").pipe(Selector("pack(.x!, .y)"))
    assert str(pickle.loads(pickle.dumps(piped))) == str(piped)
    with pytest.raises(TypeError, match="function"):
        pickle.dumps(piped.pipe(lambda a: a))


@pytest.mark.parametrize("wrong", [5, None, [1], pa.table({"a": [1]}), pa.chunked_array([[1]])])
def test_only_arrays_are_taken(wrong: Any) -> None:
    for selector in (Selector("."), reference.Selector(".")):
        with pytest.raises(TypeError):
            selector.execute(wrong)
    with pytest.raises(TypeError):
        Selector(".").execute_per_row(pa.array([1]))
    with pytest.raises(TypeError):
        Selector(".").pipe(".a")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Selector(5)  # type: ignore[arg-type]


def test_errors_say_where() -> None:
    with pytest.raises(SelectorSyntaxError, match=r"character 4: expected \] instead of `:2\]`") as caught:
        Selector("[1 :2]")
    assert caught.value.position == 3
    assert isinstance(caught.value, RrbridgeError)
    with pytest.raises(SelectorSyntaxError, match="64 parentheses"):
        Selector("map(" * 5000)
    with pytest.raises(SelectorError, match=r"selector \.a\.b: no field \.b in int64"):
        Selector(".a.b").execute(pa.array([{"a": 1}]))
