"""Queries and outcomes: their form, their files, and how they are parted without parting near-duplicates."""

from suffice.lab.dataset.form import Dataset, Outcome, Query
from suffice.lab.dataset.groups import group_queries, group_texts, is_sealed, mark_sealed
from suffice.lab.dataset.pairs import OK_SCORE, Pairs
from suffice.lab.dataset.reading import Reading, read_dataset
from suffice.lab.dataset.report import FileReport, check_rows
from suffice.lab.dataset.splits import assign_folds, mark_test
from suffice.lab.dataset.texts import read_features, read_user_text
from suffice.lab.dataset.writing import FileForm, hash_dataset, write_dataset

__all__ = [
    "OK_SCORE",
    "Dataset",
    "FileForm",
    "FileReport",
    "Outcome",
    "Pairs",
    "Query",
    "Reading",
    "assign_folds",
    "check_rows",
    "group_queries",
    "group_texts",
    "hash_dataset",
    "is_sealed",
    "mark_sealed",
    "mark_test",
    "read_dataset",
    "read_features",
    "read_user_text",
    "write_dataset",
]
