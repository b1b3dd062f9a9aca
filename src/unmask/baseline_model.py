"""A logistic regression on what files tell without being looked at: fitted by scikit-learn, kept and applied as JSON.

The same few lines turn a file's facts into numbers when fitting and when applying, and applying needs no extra.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unmask.errors import MissingExtraError, UsageError
from unmask.traits import Traits
from unmask.types import Value

Facts = Mapping[str, float | str]
"""What is known of one file: "size: width" to a number, "manifest: camera" to what the manifest says."""

LEAST_OF_A_WORD: Final = 10
"""Words in fewer train files than this are passed over: they could only be learned by heart."""

_STEPS: Final = 5000
_LARGEST: Final = 1e100  # its square is still a number


class Term(Value):
    """One column of the regression.

    Attributes:
        fact: What it reads of a file.
        asks: "number": its value, standardised, at the mean of train where a file lacks it. "missing": whether the
            file lacks it. "word": whether it is `word`.
        word: The word asked for.
        mean: Over the train files that have it, before standardising.
        spread: Their standard deviation.
        coefficient: What it adds to the logit, above 0 leaning fake: for each `spread` of a number, or where the
            answer is yes.
    """

    fact: str
    asks: Literal["number", "missing", "word"]
    word: str = ""
    mean: float
    spread: float
    coefficient: float = 0.0

    @property
    def name(self) -> str:
        """The term in words."""
        return {"number": self.fact, "missing": f"no {self.fact}", "word": f"{self.fact} is {self.word}"}[self.asks]

    @property
    def strength(self) -> float:
        """How far it moves the logit of a file that differs from the mean as files typically do; never negative."""
        return abs(self.coefficient) * (1.0 if self.asks == "number" else self.spread)

    def column(self, files: Sequence[Facts]) -> NDArray[np.float64]:
        """The term for each file, shape (N,)."""
        if self.asks == "missing":
            return np.array([self.fact not in facts for facts in files], float)
        if self.asks == "word":
            return np.array([facts.get(self.fact) == self.word for facts in files], float)
        numbers = np.array([_number(facts.get(self.fact)) for facts in files], float)
        return np.where(np.isnan(numbers), 0.0, (numbers - self.mean) / self.spread)


class Baseline(Value):
    """A fitted regression.

    Attributes:
        families: The families of traits it reads (`unmask.traits.FAMILIES`).
        columns: The manifest's columns it reads.
        terms: What it adds up; empty where all train files were alike.
        intercept: The logit of a file that answers no and lies at every mean.
    """

    families: tuple[str, ...]
    columns: tuple[str, ...] = ()
    terms: tuple[Term, ...]
    intercept: float

    @property
    def parameters(self) -> int:
        """Numbers that were learned."""
        return len(self.terms) + 1

    def strongest(self, count: int = 10) -> list[Term]:
        """The terms that move the logit most, the strongest first."""
        return sorted(self.terms, key=lambda term: -term.strength)[:count]

    def score(
        self, traits: Sequence[Traits], attributes: Sequence[Mapping[str, str]] | None = None
    ) -> NDArray[np.float64]:
        """Logits of files, above 0 leaning fake.

        Args:
            traits: Of N files that could be read.
            attributes: What the manifest says of each; needed where the regression reads columns of it.

        Returns:
            Shape (N,).

        Raises:
            UsageError: A file could not be read, or the manifest's columns are asked for and not given.
        """
        if self.columns and attributes is None:
            raise UsageError(f"this baseline reads the manifest's columns {', '.join(self.columns)}: give them too")
        said = attributes if attributes is not None else [{}] * len(traits)
        files = facts_of(traits, said, self.families, self.columns)
        start = np.full(len(files), self.intercept)
        return sum((term.coefficient * term.column(files) for term in self.terms), start=start)


def fit(
    traits: Sequence[Traits],
    labels: ArrayLike,
    families: Sequence[str],
    columns: Sequence[str] = (),
    attributes: Sequence[Mapping[str, str]] | None = None,
) -> Baseline:
    """Learn labels from facts: L2-regularised (C = 1), both classes weighing the same.

    Args:
        traits: Of N files that could be read.
        labels: 0 or 1, both there, N.
        families: Which families of traits to read.
        columns: Which columns of the manifest to read; one that holds numbers alone is taken as numbers.
        attributes: What the manifest says of each file, N; needed with `columns`.

    Raises:
        UsageError: A file could not be read.
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtraError("fitting the metadata baseline", "train") from error
    said = attributes if attributes is not None else [{}] * len(traits)
    files = facts_of(traits, said, families, columns)
    terms = terms_of(files)
    if not terms:
        return Baseline(families=tuple(families), columns=tuple(columns), terms=(), intercept=0.0)
    table = np.stack([term.column(files) for term in terms], axis=1)
    learned = LogisticRegression(class_weight="balanced", max_iter=_STEPS).fit(table, np.asarray(labels))
    weighed = [
        term.model_copy(update={"coefficient": float(weight)})
        for term, weight in zip(terms, learned.coef_[0], strict=True)
    ]
    return Baseline(
        families=tuple(families), columns=tuple(columns), terms=tuple(weighed), intercept=float(learned.intercept_[0])
    )


def facts_of(
    traits: Sequence[Traits],
    attributes: Sequence[Mapping[str, str]],
    families: Sequence[str],
    columns: Sequence[str],
) -> list[dict[str, float | str]]:
    """The facts of each file; what it lacks, and an empty cell of the manifest, is left out.

    Raises:
        UsageError: A file could not be read: it has no facts, and none would be scored as if it were typical.
    """
    found = []
    for one, said in zip(traits, attributes, strict=True):
        if one.problem:
            raise UsageError(f"a file that cannot be read has no metadata to score: {one.problem}")
        facts: dict[str, float | str] = {
            f"{family}: {name}": number for family in families for name, number in one.numbers.get(family, {}).items()
        }
        cells = {column: said.get(column, "").strip() for column in columns}
        facts |= {f"manifest: {column}": cell for column, cell in cells.items() if cell.lower() not in ("", "nan")}
        found.append(facts)
    return found


def terms_of(files: Sequence[Facts]) -> list[Term]:
    """Every way in which these files differ. Facts missing together, as JPEG tables are, are asked for once."""
    terms, gaps = [], set()
    for fact in sorted({name for facts in files for name in facts}):
        values = [facts[fact] for facts in files if fact in facts]
        numbers = np.array([_number(value) for value in values])
        if not np.isnan(numbers).any():
            spread = float(numbers.std())
            if numbers.min() < numbers.max() and spread > 0:  # equal numbers may spread by rounding, tiny ones by none
                terms.append(Term(fact=fact, asks="number", mean=float(numbers.mean()), spread=spread))
        else:
            words, counts = np.unique([str(value) for value in values], return_counts=True)
            for word, count in zip(words.tolist(), counts.tolist(), strict=True):
                if LEAST_OF_A_WORD <= count < len(files):
                    terms.append(_yes_or_no(fact, "word", count / len(files), word))
        gap = tuple(fact not in facts for facts in files)
        if any(gap) and gap not in gaps:
            terms.append(_yes_or_no(fact, "missing", sum(gap) / len(files)))
            gaps.add(gap)
    return terms


def _yes_or_no(fact: str, asks: Literal["missing", "word"], share: float, word: str = "") -> Term:
    return Term(fact=fact, asks=asks, word=word, mean=share, spread=float(np.sqrt(share * (1 - share))))


def _number(value: float | str | None) -> float:
    """A number of ordinary size, or NaN."""
    try:
        number = float(value if value is not None else np.nan)
    except ValueError:
        return np.nan
    return number if abs(number) < _LARGEST else np.nan
