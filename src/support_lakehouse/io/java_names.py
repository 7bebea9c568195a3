"""Owns what Python remembers of Java: py4j asks what a name means each time that it is used."""

from typing import Any

from py4j.java_gateway import JavaClass, JavaMember, JVMView

_CLASSES = (
    *("functions", "org.apache.spark.sql.functions", "org.apache.spark.sql.expressions.Window"),
    *("PythonUtils", "PythonSQLUtils"),
)
"""What making a Column, or a DataFrame of data at hand, asks for; over and over."""


def remember_names(jvm: JVMView) -> None:
    """Ask for classes and their methods once: half of what a small run asked Java.

    Java finds a class in a millisecond or two, once it has looked for it in 300 jars.
    """
    for name in _CLASSES:
        found = getattr(jvm, name)
        setattr(jvm, name, _Remembering(found._fqn, found._gateway_client))


class _Remembering(JavaClass):  # type: ignore[misc]  # py4j tells no types
    def __getattr__(self, name: str) -> Any:
        member = super().__getattr__(name)
        if isinstance(member, JavaMember):
            setattr(self, name, member)
        return member
