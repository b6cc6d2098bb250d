"""The links of sources: fetched politely and safely, judged slowly, kept apart from editing."""
