"""What Python asks Java for while a plan is put together."""

from collections import Counter

import pytest
from py4j.clientserver import JavaClient
from py4j.protocol import REFLECTION_COMMAND_NAME
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F


def test_what_a_function_of_spark_is_is_asked_once(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()
    send = JavaClient.send_command

    def counted(client: JavaClient, command: str, *more: object) -> str:
        asked[command.split("\n")[0] + "\n"] += 1
        answer: str = send(client, command, *more)
        return answer

    def made() -> object:
        first = F.row_number().over(Window.partitionBy("id").orderBy(F.lit(1)))
        return F.when(F.col("id").isin(1, 2) & (first > 1), F.concat(F.lit("a"), F.lit("b")))

    made()
    monkeypatch.setattr(JavaClient, "send_command", counted)
    made()
    assert asked.total() > 10
    assert asked[REFLECTION_COMMAND_NAME] == 0
