from markupsafe import Markup

from reports.svg import element, group, number, text


def test_everything_from_outside_is_escaped():
    made = element("g", element("title", "<script>"), "a & b", class_='x" onload="y')
    assert made == Markup('<g class="x&#34; onload=&#34;y"><title>&lt;script&gt;</title>a &amp; b</g>')


def test_names_numbers_and_left_out_attributes():
    assert text(1.25, 2, "t", anchor="end") == '<text x="1.2" y="2" text-anchor="end">t</text>'
    assert element("line", x1=0.0, data_a="b", role=None) == '<line x1="0" data-a="b"/>'


def test_minus_zero_is_zero():
    assert number(-0.01) == "0"


def test_an_empty_group_is_nothing():
    assert group(class_="grid") == ""
