"""What people wrote, as HTML."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from apps.discussion.markdown import html

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Markdown as HTML that is safe to show."""
    return html(text)
