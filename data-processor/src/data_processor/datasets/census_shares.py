"""The numbers behind the made-up census: rounded shares as published for UCI Adult, and invented effects."""

import numpy as np

MALE = 0.67
NO_OCCUPATION = 0.0564
NEVER_WORKED = 0.0006
NO_COUNTRY = 0.0179

RACE = {"White": 85.4, "Black": 9.6, "Asian-Pac-Islander": 3.2, "Amer-Indian-Eskimo": 1.0, "Other": 0.8}
COUNTRY = {
    "United-States": 91.2, "Mexico": 2.0, "Philippines": 0.61, "Germany": 0.42, "Canada": 0.37,
    "Puerto-Rico": 0.35, "El-Salvador": 0.33, "India": 0.31, "Cuba": 0.29, "England": 0.28, "Jamaica": 0.25,
    "South": 0.25, "China": 0.23, "Italy": 0.22, "Dominican-Republic": 0.21, "Vietnam": 0.21,
    "Guatemala": 0.20,
    "Japan": 0.19, "Poland": 0.18, "Columbia": 0.18, "Taiwan": 0.16, "Haiti": 0.14, "Iran": 0.13,
    "Portugal": 0.11, "Nicaragua": 0.10, "Peru": 0.10, "France": 0.09, "Greece": 0.09, "Ecuador": 0.09,
    "Ireland": 0.07, "Hong": 0.06, "Cambodia": 0.06, "Trinadad&Tobago": 0.06, "Laos": 0.06, "Thailand": 0.06,
    "Yugoslavia": 0.05, "Outlying-US(Guam-USVI-etc)": 0.04, "Honduras": 0.04, "Hungary": 0.04,
    "Scotland": 0.04,
    "Holand-Netherlands": 0.01,
}  # fmt: skip

EDUCATION = np.array(
    ["Preschool", "1st-4th", "5th-6th", "7th-8th", "9th", "10th", "11th", "12th", "HS-grad", "Some-college",
     "Assoc-voc", "Assoc-acdm", "Bachelors", "Masters", "Prof-school", "Doctorate"],
    object,
)  # fmt: skip
EDUCATION_P = (
    0.0016, 0.0052, 0.0102, 0.0198, 0.0158, 0.0287, 0.0361, 0.0133, 0.3225, 0.2239, 0.0424, 0.0328, 0.1645,
    0.0529,
    0.0177, 0.0126,
)  # fmt: skip

MARITAL_AGES = (22, 28, 36, 46, 60)
"""Where the groups of `MARITAL` begin: six ages of men, then of women."""
_STATES = (
    "Never-married", "Married-civ-spouse", "Divorced", "Separated", "Widowed", "Married-spouse-absent",
    "Married-AF-spouse",
)  # fmt: skip
MARITAL = [
    dict(zip(_STATES, weights, strict=True))
    for weights in (
        (95, 4, 0.5, 0.3, 0.05, 0.4, 0.05), (64, 31, 3, 1, 0.1, 0.9, 0.05), (28, 62, 7, 1.7, 0.2, 1.1, 0.03),
        (12, 73, 11, 2, 0.6, 1.2, 0.02), (6, 79, 10, 2, 1.7, 1.2, 0.02), (4, 81, 7, 1.3, 5.5, 1.2, 0.01),
        (90, 6.5, 1.7, 0.8, 0.1, 0.8, 0.2), (62, 19, 11, 5.5, 0.6, 1.8, 0.2), (37, 20, 29, 9, 2.5, 2.4, 0.1),
        (21, 19, 43, 9, 5.5, 2.5, 0.05), (13, 16, 44, 7.5, 17, 2.5, 0.05), (11, 11, 24, 3, 49, 2, 0.02),
    )
]  # fmt: skip
RELATIONSHIP: list[dict[str, float]] = [
    {"Husband": 99, "Own-child": 0.4, "Not-in-family": 0.1, "Other-relative": 0.5},
    {"Wife": 94, "Own-child": 2.5, "Not-in-family": 0.3, "Other-relative": 3.2},
    {"Own-child": 66, "Not-in-family": 25, "Other-relative": 5, "Unmarried": 4},
    {"Own-child": 21, "Not-in-family": 64, "Other-relative": 5, "Unmarried": 10},
    {"Not-in-family": 68, "Unmarried": 19, "Own-child": 9, "Other-relative": 4},
    {"Not-in-family": 45, "Unmarried": 47, "Own-child": 5, "Other-relative": 3},
]

OCCUPATION_SCHOOLING = (9, 10, 13, 14)
"""Where the groups of `OCCUPATION` begin in years of schooling: five of men, then of women."""
_WORK = (
    "Craft-repair", "Exec-managerial", "Prof-specialty", "Sales", "Adm-clerical", "Other-service",
    "Machine-op-inspct", "Transport-moving", "Handlers-cleaners", "Farming-fishing", "Tech-support",
    "Protective-serv", "Priv-house-serv", "Armed-Forces",
)  # fmt: skip
OCCUPATION = [
    dict(zip(_WORK, weights, strict=True))
    for weights in (
        (27, 4, 1, 7, 3, 13, 14, 13, 12, 9, 0.3, 2, 0.05, 0.01),
        (28, 8, 2, 10, 6, 7, 11, 12, 9, 6, 1.2, 3, 0.02, 0.05),
        (20, 15, 10, 15, 8, 6, 5, 6, 5, 4, 5, 4.5, 0.01, 0.05),
        (6, 31, 26, 18, 6, 2, 1.3, 1.4, 1, 2, 4, 2, 0.01, 0.02),
        (2, 27, 57, 7, 1.5, 0.8, 0.3, 0.5, 0.2, 1, 1.8, 0.7, 0.01, 0.02),
        (3, 3, 1, 15, 12, 38, 16, 2, 4, 1.5, 0.4, 0.8, 5, 0.01),
        (3, 9, 3, 13, 34, 21, 9, 1.3, 2, 1, 2.5, 0.8, 1.4, 0.01),
        (2, 14, 14, 14, 31, 12, 2.3, 0.6, 1, 0.6, 6.5, 1, 0.7, 0.01),
        (1, 22, 40, 11, 16, 4, 0.8, 0.3, 0.4, 0.5, 3, 0.6, 0.3, 0.01),
        (0.4, 17, 70, 4, 5, 1, 0.2, 0.1, 0.1, 0.2, 1.6, 0.2, 0.1, 0.01),
    )
]  # fmt: skip

_EMPLOYERS = (
    "Private", "Self-emp-not-inc", "Local-gov", "State-gov", "Self-emp-inc", "Federal-gov", "Without-pay",
)  # fmt: skip
_EMPLOYERS_OF = {
    "Craft-repair": (78, 13, 3.5, 1.4, 2.6, 1.5, 0.02),
    "Exec-managerial": (66, 10, 5.2, 4.7, 9.8, 4.4, 0.01),
    "Prof-specialty": (55, 9, 17, 10, 3.9, 4.2, 0.01),
    "Sales": (80, 10.5, 0.2, 0.3, 8, 0.4, 0.03),
    "Adm-clerical": (75, 1.3, 7.5, 6.7, 0.8, 8.4, 0.08),
    "Other-service": (83, 5.3, 5.9, 3.8, 0.8, 1.0, 0.02),
    "Machine-op-inspct": (94, 1.8, 0.6, 0.7, 0.6, 0.8, 0.05),
    "Transport-moving": (79, 7.6, 7.2, 2.6, 1.7, 1.6, 0.06),
    "Handlers-cleaners": (92, 1.1, 3.4, 0.7, 0.2, 1.7, 0.07),
    "Farming-fishing": (46, 43, 2.9, 1.5, 5.1, 0.8, 0.6),
    "Tech-support": (79, 2.8, 4.1, 6, 0.4, 7.2, 0.01),
    "Protective-serv": (29, 1, 47, 18, 0.8, 4.3, 0.01),
    "Priv-house-serv": (98, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1),
    "Armed-Forces": (0.1, 0.1, 0.1, 0.1, 0.1, 99, 0.01),
}
EMPLOYED_AS = tuple(_EMPLOYERS_OF)
"""The occupations, in the order of `WORKCLASS`."""
WORKCLASS = [dict(zip(_EMPLOYERS, weights, strict=True)) for weights in _EMPLOYERS_OF.values()]

GAINS = np.array(
    [594, 1055, 2174, 2407, 3103, 3325, 4386, 5013, 5178, 7298, 7688, 8614, 14084, 15024, 27828, 99999]
)
GAINS_P = np.array([3, 3, 5, 4, 9, 6, 8, 7, 10, 10, 12, 5, 3, 9, 2, 4]) / 100
LOSSES = np.array([1408, 1485, 1590, 1602, 1672, 1740, 1848, 1876, 1887, 1902, 1977, 2258, 2415])

OLD_PAY = {
    "Exec-managerial": 1.1, "Prof-specialty": 0.8, "Tech-support": 0.7, "Sales": 0.4, "Protective-serv": 0.6,
    "Craft-repair": 0.0, "Transport-moving": -0.2, "Adm-clerical": -0.1, "Machine-op-inspct": -0.5,
    "Handlers-cleaners": -1.0, "Farming-fishing": -1.3, "Other-service": -1.2, "Priv-house-serv": -2.5,
}  # fmt: skip
OLD_EMPLOYERS = {
    "Self-emp-inc": 0.4, "Federal-gov": 0.5, "Local-gov": -0.2, "State-gov": -0.3, "Self-emp-not-inc": -0.5,
    "Without-pay": -3.0,
}  # fmt: skip
NEW_PAY = {
    "Exec-managerial": 1.2, "Prof-specialty": 0.6, "Tech-support": 1.2, "Sales": -0.4, "Adm-clerical": -1.0,
    "Protective-serv": 1.8, "Craft-repair": 2.6, "Transport-moving": 2.5, "Machine-op-inspct": 2.4,
    "Handlers-cleaners": 2.2, "Farming-fishing": 2.6, "Other-service": 0.4, "Priv-house-serv": 0.8,
    "Armed-Forces": 1.4,
}  # fmt: skip
