"""Detectors of scikit-learn and PyTorch, as users would export their rows to them.

Each takes training and test rows as frames, and a seed, and gives a score per
test row, higher for more anomalous; the supervised ones take and give classes.
"""
import numpy as np
import pandas as pd
from sklearn.cluster import DBSCAN, KMeans
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import OrdinalEncoder


def one_hot(train, test):
    both = pd.get_dummies(pd.concat([train, test])).to_numpy(np.float64)
    return both[:len(train)], both[len(train):]


def scaled(train, test):
    """One-hot, signed ln(1 + x) of columns wider than 100, z-scores, clipped at 10."""
    a, b = one_hot(train, test)
    wide = np.ptp(a, axis=0) > 100
    for x in (a, b):
        x[:, wide] = np.sign(x[:, wide]) * np.log1p(np.abs(x[:, wide]))
    mean, deviation = a.mean(axis=0), a.std(axis=0)
    deviation[deviation == 0] = 1
    return [np.clip((x - mean) / deviation, -10, 10) for x in (a, b)]


def sample(rows, n, seed):
    if len(rows) <= n:
        return rows
    return rows[np.random.RandomState(seed).choice(len(rows), n, replace=False)]


def isolation_forest(train, test, seed):
    a, b = one_hot(train, test)
    return -IsolationForest(n_estimators=100, max_samples=256, random_state=seed).fit(a).score_samples(b)


def kmeans(train, test, seed):
    a, b = scaled(train, test)
    return KMeans(8, n_init=3, random_state=seed).fit(a).transform(b).min(axis=1)


def lof(train, test, seed):
    a, b = scaled(train, test)
    return -LocalOutlierFactor(20, novelty=True).fit(sample(a, 20000, seed)).score_samples(b)


def dbscan(train, test, seed):
    """Distance to the nearest core point, in units of eps, which is the 95th
    percentile of the distance to the tenth neighbour."""
    a, b = scaled(train, test)
    a = sample(a, 10000, seed)
    eps = np.percentile(NearestNeighbors(n_neighbors=10).fit(a).kneighbors()[0][:, -1], 95) or 1e-9
    core = a[DBSCAN(eps=eps, min_samples=10).fit(a).core_sample_indices_]
    return NearestNeighbors(n_neighbors=1).fit(core).kneighbors(b)[0][:, 0] / eps


def torch_layers(widths, dropout=0):
    import torch
    layers = []
    for width, following in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(width, following), torch.nn.ReLU(), torch.nn.Dropout(dropout)]
    return torch.nn.Sequential(*layers[:-2])


def torch_train(net, loss, a, target, epochs, seed, batch=256):
    import torch
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    net.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(a), generator=generator).split(batch):
            optimiser.zero_grad()
            loss(net(a[rows]), target[rows]).backward()
            optimiser.step()
    net.eval()


def autoencoder(train, test, seed):
    import torch
    torch.manual_seed(seed)
    a, b = (torch.tensor(x, dtype=torch.float32) for x in scaled(train, test))
    net = torch_layers([a.shape[1], 32, 16, 8, 16, 32, a.shape[1]])
    torch_train(net, torch.nn.MSELoss(), a, a, max(1, round(5000 / max(1, len(a) // 256))), seed)
    with torch.no_grad():
        return ((net(b) - b) ** 2).mean(dim=1).numpy()


def lstm(train, series, seed, steps=500, batch=32, smoothing=16):
    """Absolute error of the forecast of each row, averaged over the last rows."""
    import torch
    from neural import STEPS, Forecaster
    torch.manual_seed(seed)
    a, b = (torch.tensor(((x - train.mean()) / (train.std() + 1e-9)).clip(-10, 10).to_numpy(np.float32))
            for x in (train, series))
    windows = a.unfold(0, STEPS + 1, 1).transpose(1, 2)
    net = Forecaster(a.shape[1], [32])
    torch_train(net, torch.nn.MSELoss(), windows[:, :-1], windows[:, 1:],
                max(1, round(steps / max(1, len(windows) / batch))), seed, batch)
    with torch.no_grad():
        forecast = net(b[:-1].unfold(0, STEPS, 1).transpose(1, 2))[:, -1]
    error = np.zeros(len(b))
    error[STEPS:] = (forecast - b[STEPS:]).abs().mean(dim=1).numpy()
    return pd.Series(error).rolling(smoothing, min_periods=1).mean().to_numpy()


def ordinal(train, test):
    texts = train.select_dtypes("object").columns
    a, b = train.copy(), test.copy()
    if len(texts):
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(train[texts])
        a[texts], b[texts] = encoder.transform(train[texts]), encoder.transform(test[texts])
    return a.to_numpy(np.float64), b.to_numpy(np.float64)


def random_forest(train, target, test, seed):
    a, b = ordinal(train, test)
    return RandomForestClassifier(100, random_state=seed).fit(a, target).predict_proba(b)


def dnn(train, target, test, seed):
    import torch
    torch.manual_seed(seed)
    a, b = (torch.tensor(x, dtype=torch.float32) for x in scaled(train, test))
    classes, codes = np.unique(target, return_inverse=True)
    net = torch_layers([a.shape[1], 128, 64, 32, 16, len(classes)])
    torch_train(net, torch.nn.CrossEntropyLoss(), a, torch.tensor(codes), 20, seed)
    with torch.no_grad():
        return torch.softmax(net(b), dim=1).numpy()
