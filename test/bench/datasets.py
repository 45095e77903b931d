"""The labelled data sets under $TEST_DATA/data, split into training and test parts.

The official split where there is one, else 70/30 stratified with seed 0; at
most 30,000 test rows.  Labels and what is derived from them are no columns.
"""
import os

import numpy as np
import pandas as pd
from fit import ROOT
from sklearn.model_selection import train_test_split

DATA = os.path.join(os.environ.get("TEST_DATA", os.path.join(ROOT, "..", "shared")), "data")
TEST_ROWS = 30000

ADBENCH = """10_cover 16_http 18_Ionosphere 23_mammography 25_musk 26_optdigits
28_pendigits 2_annthyroid 31_satimage-2 32_shuttle 34_smtp 38_thyroid 40_vowels
42_WBC 5_campaign 6_cardio""".split()

CATEGORIES = {
    "DoS": "back land neptune pod smurf teardrop apache2 udpstorm processtable worm mailbomb",
    "Probe": "satan ipsweep nmap portsweep mscan saint",
    "R2L": "guess_passwd ftp_write imap phf multihop warezmaster warezclient spy xlock xsnoop "
           "snmpguess snmpgetattack httptunnel sendmail named",
    "U2R": "buffer_overflow loadmodule rootkit perl sqlattack xterm ps",
}
CATEGORY = {name: category for category, names in CATEGORIES.items() for name in names.split()}

# The 17 columns of KDD-99 that are known of a connection without its content.
KDD17 = """duration src_bytes dst_bytes wrong_fragment urgent hot num_failed_logins logged_in
count srv_count serror_rate srv_serror_rate same_srv_rate diff_srv_rate
protocol_type service flag""".split()


def read(path):
    return pd.read_csv(os.path.join(DATA, path + ".csv.gz"))


def attack(labels):
    """1 for an attack, from KDD's names or from 0/1."""
    if labels.dtype == object:
        return (labels.str.rstrip(".") != "normal").to_numpy(np.uint8)
    return (labels != 0).to_numpy(np.uint8)


def category(labels):
    """normal, or one of four kinds of attack."""
    return labels.str.rstrip(".").map(lambda name: CATEGORY.get(name, name)).to_numpy()


def cap(x, y):
    if len(x) <= TEST_ROWS:
        return x, y
    keep = np.random.RandomState(0).choice(len(x), TEST_ROWS, replace=False)
    return x.iloc[keep], y[keep]


def split(x, y, share=0.3, limit=True):
    train, test = train_test_split(np.arange(len(x)), test_size=share, stratify=y, random_state=0)
    rest = (x.iloc[test], y[test])
    return x.iloc[train], y[train], *(cap(*rest) if limit else rest)


def nslkdd(target):
    train, test = read("nslkdd/KDDTrain+"), read("nslkdd/KDDTest+")
    drop = ["label", "difficulty"]
    return (train.drop(columns=drop), target(train["label"]),
            test.drop(columns=drop), target(test["label"]))


def split_file(path, label, target, drop=(), share=0.3):
    frame = read(path)
    return split(frame.drop(columns=[label, *drop]), target(frame[label]), share)


def by_time(path, label, target):
    frame = read(path)
    cut = int(0.7 * len(frame))
    y = target(frame[label])
    x = frame.drop(columns=[label])
    return x[:cut], y[:cut], x[cut:], y[cut:]


def kdd99_distinct(target, columns=None):
    """Without duplicates, which are 70 % of the file, 80/20."""
    frame = read("kdd99/kddcup_10_percent")
    if columns is not None:
        frame = frame[[*columns, "label"]]
    frame = frame.drop_duplicates()
    y = target(frame["label"])
    rare = pd.Series(y).map(pd.Series(y).value_counts()).to_numpy() < 2
    frame, y = frame[~rare], y[~rare]
    return split(frame.drop(columns=["label"]), y, 0.2, limit=False)


def names_of_unsw(labels):
    return labels.str.strip().replace("Normal", "normal").to_numpy()


def nab():
    """Name, values and anomaly windows of each series of NAB."""
    for name, series in read("nab/nab_all").groupby("series", sort=True):
        yield name[:-len(".csv")], series[["value"]].reset_index(drop=True), series["window"].to_numpy()


CIC = ("cicids2017/cic2017_0.01km", "Labelb")

# Name -> train rows, train labels, test rows, test labels; 1 is an attack.
UNSUPERVISED = {
    **{name: lambda n=name: split_file("adbench/" + n, "label", attack) for name in ADBENCH},
    "cicids2017": lambda: split_file(*CIC, attack),
    "cicids2017-time": lambda: by_time(*CIC, attack),
    "nslkdd": lambda: nslkdd(attack),
    "nslkdd-random": lambda: split_file("nslkdd/KDDTrain+", "label", attack, ["difficulty"]),
    "unsw_nb15": lambda: split_file("unsw_nb15/UNSW_NB15_set82k", "label", attack, ["id", "attack_cat"]),
    "kdd99": lambda: split_file("kdd99/kddcup_10_percent", "label", attack),
}

# The same, with names of classes as labels; "normal" is normal.
SUPERVISED = {
    "nslkdd": lambda: nslkdd(category),
    "nslkdd-random": lambda: split_file("nslkdd/KDDTrain+", "label", category, ["difficulty"], 0.2),
    "unsw_nb15": lambda: split_file("unsw_nb15/UNSW_NB15_set82k", "attack_cat", names_of_unsw, ["id", "label"]),
    "cicids2017": lambda: split_file(*CIC, lambda y: np.where(y == 0, "normal", "attack")),
    "cicids2017-time": lambda: by_time(*CIC, lambda y: np.where(y == 0, "normal", "attack")),
    "kdd99-distinct": lambda: kdd99_distinct(category),
}
