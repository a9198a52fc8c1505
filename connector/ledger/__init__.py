"""All deliveries and checkpoints, in SQL. The only package that imports SQLAlchemy and alembic."""
