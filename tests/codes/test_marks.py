from pathlib import Path
from textwrap import dedent

import pytest

from infra.codes.marks import find_tests, marked


def read(source: str) -> dict[str, list[str]]:
    return marked(dedent(source))


def test_a_mark_on_a_test_names_its_clauses() -> None:
    assert read("""
        @pytest.mark.clause("cmn.objectives", "pentalog.goals")
        def test_goal(): ...
        async def test_other(): ...
    """) == {"test_goal": ["cmn.objectives", "pentalog.goals"]}


def test_a_mark_on_a_class_or_in_it_holds_for_its_tests() -> None:
    assert read("""
        @mark.clause("cmn.objectives")
        class TestGoals:
            pytestmark = [mark.clause("pentalog.goals")]
            @mark.clause("nottingham.goals")
            def test_career(self): ...
            def test_any(self): ...
            def count(self): ...
        def test_outside(): ...
    """) == {
        "TestGoals::test_career": ["pentalog.goals", "cmn.objectives", "nottingham.goals"],
        "TestGoals::test_any": ["pentalog.goals", "cmn.objectives"],
    }


def test_a_mark_of_the_module_holds_for_all_tests() -> None:
    assert read("""
        pytestmark = pytest.mark.clause("cmn.records")
        def test_a(): ...
        def test_b(): ...
        def c(): ...
    """) == {"test_a": ["cmn.records"], "test_b": ["cmn.records"]}


def test_a_mark_on_a_case_counts_for_the_test_that_has_the_case() -> None:
    assert read("""
        GATES: list[object] = [pytest.param(1, marks=pytest.mark.clause("cmn.timeframe"))]
        OTHERS = [pytest.param(1, marks=pytest.mark.clause("cmn.reporting"))]
        @pytest.mark.parametrize("n", GATES)
        def test_gates(n): ...
        @pytest.mark.parametrize("n", [pytest.param(1, marks=clause("leapfrog.role"))])
        def test_roles(n): ...
        def test_nothing(): GATES, OTHERS
    """) == {"test_gates": ["cmn.timeframe"], "test_roles": ["leapfrog.role"]}


def test_ids_that_are_computed_or_only_mentioned_are_not_seen() -> None:
    assert (
        read("""
        @pytest.mark.clause(*IDS)
        @pytest.mark.parametrize("clause", ["cmn.objectives"])
        def test_a(clause): "cmn.objectives"
    """)
        == {}
    )


def test_tests_are_found_by_clause_across_files(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    (folder / "domain").mkdir(parents=True)
    (folder / "domain" / "test_goals.py").write_text('@clause("cmn.objectives")\ndef test_goal(): ...\n')
    (folder / "test_all.py").write_text('@clause("cmn.objectives", "cmn.records")\ndef test_all(): ...\n')
    (folder / "goals.py").write_text('@clause("cmn.objectives")\ndef test_not_collected(): ...\n')
    assert find_tests(folder) == {
        "cmn.objectives": ["tests/domain/test_goals.py::test_goal", "tests/test_all.py::test_all"],
        "cmn.records": ["tests/test_all.py::test_all"],
    }


def collect(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    pytester.makeini("[pytest]\nmarkers = clause(*ids): the clauses that a test exercises")
    pytester.makepyfile(source)
    return pytester.runpytest_subprocess("-p", "tests.clauses", "-p", "no:cacheprovider", "--strict-markers")


def test_a_suite_with_known_clauses_runs(pytester: pytest.Pytester) -> None:
    result = collect(
        pytester,
        """
        import pytest

        @pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.clause("cmn.records")), 2])
        def test_records(n): pass

        class TestGoals:
            @pytest.mark.clause("cmn.objectives")
            def test_goal(self): pass
        """,
    )
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        ('"cmn.nonsense"', "*no code has a clause 'cmn.nonsense'*"),
        ("", "*names no clause*"),
        ('"cmn." + "objectives"', "*write 'cmn.objectives' as a plain string*"),
    ],
)
def test_a_mark_that_the_trace_could_not_show_fails_collection(
    pytester: pytest.Pytester, arguments: str, complaint: str
) -> None:
    result = collect(pytester, f"import pytest\n\n@pytest.mark.clause({arguments})\ndef test_a(): pass\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([complaint])
