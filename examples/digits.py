# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Fits the built-in digits with a tenth of the gates open; prints accuracy, share and the time saved."""
import weir

images, labels = weir.digits(5000)  # drawn by the library
model = weir.Classifier(1024, target=0.1, standardise=False, epochs=10, random_state=1)  # a tenth of the gates open
model.fit(images[:4000], labels[:4000])
test = model.measure(images[4000:], labels[4000:])
saved = 1 - test.predict_ms_gated / test.predict_ms_dense
print(f"accuracy {1 - test.test_error:.3f}, share of gates open {test.share:.2f}")
print(f"{test.predict_ms_gated:.1f} ms, all gates open {test.predict_ms_dense:.1f} ms: {saved:.0%} of the time saved")
