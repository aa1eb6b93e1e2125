# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Fits the built-in digits with a tenth of the gates open; prints accuracy, share and the time saved."""
import weir

images, labels = weir.digits(5000)
train, test = slice(0, 4000), slice(4000, 5000)
model = weir.Classifier(1024, target=0.1, standardise=False, epochs=10, random_state=1)
model.fit(images[train], labels[train])
found = model.measure(images[test], labels[test])
print(f"accuracy {model.score(images[test], labels[test]):.3f}, share of gates open {found.share:.2f}")
print(f"{found.predict_ms_gated:.1f} ms, all gates open {found.predict_ms_dense:.1f} ms")
