"""`GET /v1/events`: operational facts in the order of the log."""

from fastapi import APIRouter

router = APIRouter(tags=["facts"])
