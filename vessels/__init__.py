"""The traffic picture: AIS sentences into messages, messages into what is known of every ship. No I/O.

line → sentences.parse → assembly → codec.decode_payload → picture.Picture.apply → Vessel
"""
