"""Plain words about finishing, and the many like them that are about the scene."""

from __future__ import annotations

import pytest

from limner.agent.brief.finishing import finishing
from limner.errors import BadInput
from limner.pipelines.finish import parse
from limner.prompts.words import finish_words

ASKED = {
    "brighter": "brightness +20%",
    "ＢＲＩＧＨＴＥＲ！": "brightness +20%",
    "a bit darker": "brightness -10%",
    "much darker": "brightness -40%",
    "even brighter": "brightness +20%",
    "brighten it": "brightness +20%",
    "make it 20% brighter": "brightness +20%",
    "darker by 10%": "brightness -10%",
    "Make it a little bit brighter, please!": "brightness +10%",
    "more contrast": "contrast +20%",
    "a lot more contrast, but less saturated": "contrast +40%, colour -25%",
    "increase the contrast a bit": "contrast +10%",
    "please turn up the contrast": "contrast +20%",
    "sharper": "sharpen",
    "Can you make the picture much sharper?": "sharpen 200%",
    "slightly sharper now": "sharpen 50%",
    "brighter and sharper": "brightness +20%, sharpen",
    "brighter, sharper and more saturated": "brightness +20%, sharpen, colour +25%",
    "warmer colours": "warmth +10%",
    "turn it into greyscale": "colour 0",
    "1024 by 768": "resize 1024x768",
    "1024x768": "resize 1024x768",
    "resize it to 512 x 512 pixels": "resize 512x512",
    "crop it to 640x480": "fill 640x480",
    "pad it to 800x600": "pad 800x600",
    "make it square": "crop 1:1",
    "crop to 16:9": "crop 16:9",
    "make it 4:3": "crop 4:3",
    "upscale it 4x": "upscale x4",
    "double the resolution": "upscale x2",
    "亮一点": "brightness +20%",
    "再亮一点": "brightness +20%",
    "稍微暗一些": "brightness -10%",
    "请把图片调亮一点": "brightness +20%",
    "把它调暗一点吧": "brightness -20%",
    "能不能亮一点？": "brightness +20%",
    "画面再亮一点": "brightness +20%",
    "亮度提高20%": "brightness +20%",
    "更清晰": "sharpen",
    "锐化一下": "sharpen",
    "更清晰一点，再亮一点": "sharpen, brightness +20%",
    "亮一点、清晰一点": "brightness +20%, sharpen",
    "对比度高一点": "contrast +20%",
    "提高饱和度": "colour +25%",
    "颜色鲜艳一点": "colour +25%",
    "色调暖一点": "warmth +10%",
    "把画面变成黑白": "colour 0",
    "放大两倍": "upscale x2",
    "把图放大 4 倍": "upscale x4",
    "裁成正方形": "crop 1:1",
    "裁成 16：9": "crop 16:9",
    "1024 乘 768": "resize 1024x768",
    "改成1024×768像素": "resize 1024x768",
}

SCENES = """
make it night|a brighter red car|bigger cat|brighter sky|a darker forest|make the cat sharper
square|a square|more contrast between the cat and the dog|lighter|make it bigger|make it blue
a bit|please|brighter cat and dog|sharper teeth|1024 cats by 768 dogs|a picture 1024 by 768
make it square and blue|and|brighter and|twice as large|make the cat twice as large
the sky a bit darker|warmer|make it warmer|sunnier|more light|more colourful|a bit square
make it brighter with a sun|no contrast|16:9|10:30|a clock at 10:30|sharpener|contrast
darker skin|it|the picture|make it|make the car brighter|brighter, and a dog|a sharper knife
sharper than a knife|zoom in|more detail|add a brighter star|brighterer|brighter brighter
make it a bit|black and white cat|20%|20% more cats|in the dark|亮一点的猫|把猫调亮一点
天空亮一点|更清晰的字|放大猫|两倍大的猫|正方形|画一个正方形|夜晚|换成晚上|亮|暗|大一点|猫大一点
更大|红色更亮一点的车|放大|把猫裁成正方形|亮一点的背景|一点|再来一张|把车变成黑白|让太阳更亮
星星亮一点|颜色换成红色|亮灯|更亮的灯|清晰的天空|两倍|一只清晰的猫|暖一点|对比|把图片放大一点
不要更亮
"""


@pytest.mark.parametrize("text", ASKED)
def test_what_is_about_finishing(text: str) -> None:
    assert finishing(text) == parse(ASKED[text])


@pytest.mark.parametrize("text", [t for line in SCENES.split("\n") for t in line.split("|") if t])
def test_what_is_about_the_scene(text: str) -> None:
    assert finishing(text) == ()


@pytest.mark.parametrize(
    "text", ["", " ", "!", "brighter " * 50, "brighter\x1b[2J sky", "x" * 5000]
)
def test_what_is_about_nothing(text: str) -> None:
    assert finishing(text) == ()


@pytest.mark.parametrize("text", ["9000 by 9000", "upscale it 20x", "900% brighter"])
def test_a_finish_that_is_not_possible_says_what_is(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        finishing(text)
    assert "to" in caught.value.hint


def test_both_languages_can_ask_for_the_same() -> None:
    english, chinese = (set(words.phrases) for words in finish_words().values())
    assert chinese - english == {"upscale x3"}
    assert english - chinese == {"pad {w}x{h}"}
