"""Reads metrics as Prometheus's official client does, and prints them.

    metrics.py URL

A line for each sample: the type and name of its family, its own name, its labels
and its value.
"""

import sys
from urllib.request import urlopen

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def main() -> None:
    with urlopen(sys.argv[1]) as answer:
        text = answer.read().decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}='{value}'" for name, value in sample.labels.items())
            words = [family.type, family.name, sample.name, labels, f"{sample.value:g}"]
            print(" ".join(word for word in words if word))


main()
