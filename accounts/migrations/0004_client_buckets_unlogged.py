"""The buckets of system clients are written by every call, so the table is made for that.

UNLOGGED: a call waits for no write-ahead log. After a crash of the server the table is empty, and
each client begins with a full bucket: nothing is lost that anybody would miss. The low fill factor
leaves room on the page, so that a bucket's new state always stands beside its old one (HOT).
"""

from django.db import migrations

CREATE = """
ALTER TABLE accounts_clientbucket SET UNLOGGED;
ALTER TABLE accounts_clientbucket SET (fillfactor = 10);
"""
DROP = """
ALTER TABLE accounts_clientbucket SET LOGGED;
ALTER TABLE accounts_clientbucket RESET (fillfactor);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_system_clients")]
    operations = [migrations.RunSQL(CREATE, DROP)]
