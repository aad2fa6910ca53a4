"""The corpus that teaches the pocket writer: what people may type, and the JSON to answer with.

Begin with `dialogues.dialogue`. A request is drawn as slots (`scene_requests`) and worded by
a `speaker` (`english`, `chinese`), which marks the words that state each slot (`annotated_text`). A
line of a conversation is drawn about a picture (`picture`) as one to three changes (`turns`): to
which things there are (`things`), and to how they look and what is around them (`looks`). `lexicon`
reads the tables of words, some of which are kept back for the exam.
"""
