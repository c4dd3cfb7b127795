"""Ask a workspace: SQL over its tables, statistics, the HTML report.

connection = connect("data")
connection.sql("SELECT licence_group, count(*) FROM pairs GROUP BY ALL").show()
"""

from pmc15m.query.ask import shell, sql
from pmc15m.query.connection import connect, query_error, refuse_changes
from pmc15m.query.report import gallery, report
from pmc15m.query.statistics import stats

__all__ = ["connect", "gallery", "query_error", "refuse_changes", "report", "shell", "sql", "stats"]
