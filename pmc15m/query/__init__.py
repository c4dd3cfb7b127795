"""Ask a workspace: SQL over its tables, statistics, the HTML report.

connection = connect("data")
connection.sql("SELECT licence_group, count(*) FROM pairs GROUP BY ALL").show()
"""

from pmc15m.query.connection import connect, query_error, refuse_changes

__all__ = ["connect", "query_error", "refuse_changes"]
