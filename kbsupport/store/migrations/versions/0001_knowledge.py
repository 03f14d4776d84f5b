"""Articles, their versions, chunks and embeddings, and the generations built from them."""

import sqlalchemy as sa
from alembic import op

from kbsupport.store.dialects import BYTEWISE, Number

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables of the knowledge base."""
    op.create_table(
        "article_version",
        sa.Column("id", Number, primary_key=True),
        sa.Column("article_id", BYTEWISE, nullable=False),
        sa.Column("content_hash", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_article_version_article_id", "article_version", ["article_id"])
    op.create_index("ix_version_article_hash", "article_version", ["article_id", "content_hash"])
    op.create_table(
        "source",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("reader", sa.String, nullable=False),
        sa.Column("versions", sa.JSON, nullable=False),
    )
    op.create_table(
        "chunk",
        sa.Column("id", Number, primary_key=True),
        sa.Column("version_id", Number, sa.ForeignKey("article_version.id"), nullable=False),
        sa.Column("splitter", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("section", sa.JSON, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("words", sa.String, nullable=False),
        sa.Column("content_hash", sa.String, nullable=False),
    )
    op.create_index("ix_chunk_version_splitter", "chunk", ["version_id", "splitter"])
    op.create_index("ix_chunk_content_hash", "chunk", ["content_hash"])
    op.create_table(
        "embedding",
        sa.Column("content_hash", sa.String, primary_key=True),
        sa.Column("embedder", sa.String, primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "generation",
        sa.Column("id", Number, primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("embedder", sa.String, nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("splitter", sa.String, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("manifest", sa.JSON, nullable=False),
    )
    op.create_table(
        "member",
        sa.Column("generation_id", Number, sa.ForeignKey("generation.id"), primary_key=True),
        sa.Column("version_id", Number, sa.ForeignKey("article_version.id"), primary_key=True),
        sa.Column("source", sa.String, nullable=False),
    )
    op.create_table(
        "pointer",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("generation_id", Number, sa.ForeignKey("generation.id"), nullable=False),
    )
