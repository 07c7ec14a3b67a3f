"""The database itself refuses to change or delete a line of the operation log."""

from django.db import migrations

CREATE = """
CREATE FUNCTION accounts_operation_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a line of the operation log is never changed or deleted';
END $$;
CREATE TRIGGER accounts_operation_keep BEFORE UPDATE OR DELETE ON accounts_operation
    FOR EACH ROW EXECUTE FUNCTION accounts_operation_keep();
"""
DROP = """
DROP TRIGGER accounts_operation_keep ON accounts_operation;
DROP FUNCTION accounts_operation_keep();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
