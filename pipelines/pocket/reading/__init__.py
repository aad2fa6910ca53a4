"""Reads what people type about the small world, in English and Chinese, by rule.

Begin with `request.read_request` for a request, and with `lines.read_line` for a line of a
conversation. Each step is one file:

1. `lexicon` compiles the tables of words (`words.yaml`, `grammar.yaml`) into what phrases can mean.
2. `tokens` cuts a text into the longest phrases that the lexicon knows, and mends slips.
3. `phrases` finds things (`noun_phrases`: number, looks, noun), places, settings, small words.
4. `clauses` joins them: which look, place, relation and denial belongs to which thing.
5. `claims` words such a reading as claims.

A request becomes claims, a prompt and a reply (`request`, `replies`). A line of a conversation
becomes one tool call (`lines`): it may steer (`steering`), name a picture or version (`selecting`),
ask a question (`answers`), or change the picture. A change (`edits`) is cut into clauses; each is a
`change.Change` that rules turn into a patch (`patches`): of number (`edit_counts`), of one thing
for another (`edit_exchanges`), and of what is there (`edit_things`).
"""
