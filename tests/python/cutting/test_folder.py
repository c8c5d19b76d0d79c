"""Where cut-outs go, and what is refused before anything is written."""

import os
from pathlib import Path

import pytest

from mattecore.cutting.folder import Job, PlanError, format_for, plan, refuse_existing


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def pairs(*inputs: str, output: str | None = None, format: str = "png") -> dict[str, str]:
    jobs = plan(inputs, output, format)
    return {str(job.source): str(job.target) for job in jobs}


def refusal(*inputs: str, output: str | None = None, format: str = "png") -> str:
    with pytest.raises(PlanError) as refused:
        plan(inputs, output, format)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_file_s_cut_out_lies_beside_it():
    touch("a.jpg", "b/c.PNG", "d")
    assert pairs("a.jpg", "b/c.PNG", "d") == {"a.jpg": "a.cut.png", "b/c.PNG": "b/c.cut.png", "d": "d.cut.png"}
    assert pairs("a.jpg", format="tiff16") == {"a.jpg": "a.cut.tif"}


@pytest.mark.parametrize("name", ["photos", "photos/", "./photos"])
def test_a_folder_s_tree_is_mirrored_beside_it(name):
    touch("photos/a.jpg", "photos/deep/er/b.webp", "photos/notes.txt", "photos/.hidden.jpg", "photos/.git/c.png")
    found = {os.path.normpath(source): target for source, target in pairs(name).items()}
    assert found == {"photos/a.jpg": "photos.cut/a.png", "photos/deep/er/b.webp": "photos.cut/deep/er/b.png"}


def test_this_folder_and_the_one_above():
    touch("in/a.jpg")
    os.chdir("in")
    assert pairs(".") == {"a.jpg": "../in.cut/a.png"}
    assert pairs("../in") == {"../in/a.jpg": "../in.cut/a.png"}
    touch("deep/b.jpg")
    os.chdir("deep")
    assert pairs("..") == {"../a.jpg": "../../in.cut/a.png", "../deep/b.jpg": "../../in.cut/deep/b.png"}
    assert pairs("../deep/..")["../deep/../a.jpg"] == "../../in.cut/a.png"


def test_a_link_to_a_folder_has_its_cut_outs_beside_itself():
    touch("far/photos/a.jpg")
    Path("near").symlink_to("far/photos")
    assert pairs("near") == {"near/a.jpg": "near.cut/a.png"}


def test_an_output_folder_takes_files_and_trees():
    touch("a.jpg", "photos/deep/b.jpg")
    wanted = {"a.jpg": "out/a.png", "photos/deep/b.jpg": "out/deep/b.png"}
    assert pairs("a.jpg", "photos", output="out") == wanted


def test_an_output_that_is_a_file():
    touch("a.jpg")
    assert pairs("a.jpg", output="b.png") == {"a.jpg": "b.png"}
    assert pairs("a.jpg", output="b.TIFF", format="tiff16") == {"a.jpg": "b.TIFF"}
    Path("folder.png").mkdir()
    assert pairs("a.jpg", output="folder.png") == {"a.jpg": "folder.png/a.png"}
    assert refusal("a.jpg", output="b.webp") == "the output is b.webp and the format png; give a name that ends in .png"
    assert pairs("a.jpg", "./a.jpg", output="b.png") == {"a.jpg": "b.png"}
    assert pairs("a.jpg", output="v1.2") == {"a.jpg": "v1.2/a.png"}


def test_an_output_that_is_the_file_of_a_video():
    touch("a.mp4")
    assert pairs("a.mp4", output="b.MOV") == {"a.mp4": "b.MOV"}
    assert pairs("a.mp4", output="b") == {"a.mp4": "b/a.mov"}
    with pytest.raises(PlanError, match=r"^the output is b.mov and the format vp9; give a name that ends in .webm$"):
        plan(["a.mp4"], "b.mov", "png", "vp9")
    with pytest.raises(PlanError, match=r"^the output is b.mov and the format png-sequence; give a folder$"):
        plan(["a.mp4"], "b.mov", "png", "png-sequence")


def test_globs():
    touch("photos/a.jpg", "photos/b.png", "photos/deep/c.jpg")
    assert pairs("photos/*.jpg") == {"photos/a.jpg": "photos/a.cut.png"}
    assert pairs("photos/**/*.jpg", output="out") == {
        "photos/a.jpg": "out/a.png",
        "photos/deep/c.jpg": "out/deep/c.png",
    }
    assert refusal("photos/*.gif") == "photos/*.gif fits no file"


def test_a_name_that_looks_like_a_glob_is_a_file_where_there_is_one():
    touch("a[1].jpg")
    assert pairs("a[1].jpg") == {"a[1].jpg": "a[1].cut.png"}


def test_cut_outs_are_not_cut_again_unless_they_are_named():
    touch("photos/a.jpg", "photos/a.cut.png")
    assert list(pairs("photos/*")) == ["photos/a.jpg"]
    assert list(pairs("photos")) == ["photos/a.jpg"]
    assert list(pairs("photos/a.cut.png")) == ["photos/a.cut.png"]


def test_folders_of_cut_outs_are_not_cut_again_unless_they_are_named():
    touch("photos/a.jpg", "photos/deep.cut/er/b.png", "photos/clip.cut/000001.png")
    assert list(pairs("photos")) == ["photos/a.jpg"]
    assert list(pairs("photos", output="out")) == ["photos/a.jpg"]
    assert list(pairs("photos/**/*.*")) == ["photos/a.jpg"]
    assert list(pairs("photos/deep.cut")) == ["photos/deep.cut/er/b.png"]
    assert list(pairs("photos/deep.cut/*/*.png")) == ["photos/deep.cut/er/b.png"]


def test_an_output_folder_inside_the_input_is_not_read():
    touch("photos/a.jpg", "photos/out/a.png")
    assert pairs("photos", output="photos/out") == {"photos/a.jpg": "photos/out/a.png"}


def test_the_same_file_twice_is_no_collision():
    touch("a.jpg")
    assert len(plan(["a.jpg", "a.jpg"], None, "png")) == 1
    assert len(plan(["a.jpg", str(Path("a.jpg").absolute())], "out", "png")) == 1


def test_pictures_that_would_share_a_cut_out_keep_their_whole_names():
    touch("photos/x.jpg", "photos/x.png", "photos/x", "photos/y.jpg")
    wanted = {"photos/x.jpg": "photos.cut/x.jpg.png", "photos/x.png": "photos.cut/x.png.png"}
    assert pairs("photos") == {**wanted, "photos/y.jpg": "photos.cut/y.png"}
    beside = {f"photos/{name}": f"photos/{name}.cut.png" for name in ("x.jpg", "x.png", "x")}
    assert pairs("photos/x", "photos/x.png", "photos/x.jpg") == beside
    assert pairs("photos/x.jpg", "photos/x.png", "photos/x") == beside
    assert pairs("photos/*") == {**beside, "photos/y.jpg": "photos/y.cut.png"}
    touch("a.mp4", "a.mkv")
    assert pairs("a.mp4", "a.mkv") == {"a.mp4": "a.mp4.cut.mov", "a.mkv": "a.mkv.cut.mov"}


def test_a_picture_and_its_cut_out_in_the_same_folder_are_not_told_apart():
    """Or each run would cut what the one before it wrote."""
    touch("photos/x.jpg", "photos/x.png")
    assert refusal("photos", output="photos").startswith("photos/x.png would take the place of a picture")


def test_names_beyond_ascii(here):
    touch("Ünï çøde/東京 🌸.jpg")
    assert pairs("Ünï çøde") == {"Ünï çøde/東京 🌸.jpg": "Ünï çøde.cut/東京 🌸.png"}


# --- refused


def test_inputs_that_are_not_there():
    assert refusal("none.jpg") == "there is no file or folder none.jpg"
    Path("empty").mkdir()
    assert refusal("empty") == "there are no pictures in the folder empty"


def test_two_pictures_for_one_cut_out():
    touch("a/x.jpg", "b/x.jpg", "c/y.jpg", "c/y.png", "c/y.jpg.gif")
    assert refusal("a", "b", output="out").startswith("a/x.jpg and b/x.jpg would both become out/x.png; rename one")
    assert refusal("c").startswith("c/y.jpg and c/y.jpg.gif would both become c.cut/y.jpg.png; rename one")


@pytest.mark.parametrize(
    ("given", "output", "sentence"),
    [
        (["a.jpg"], "b.jpg", "the output is b.jpg, and pictures become .png, .webp or .tif; give a name that ends so"),
        (["a.jpg"], "b.MOV", "the output is b.MOV, and pictures become .png, .webp or .tif; give a name that ends so"),
        (
            ["a.jpg"],
            "b.heic",
            "the output is b.heic, and pictures become .png, .webp or .tif; give a name that ends so",
        ),
        (["a.mp4"], "b.avi", "the output is b.avi, and videos become .mov, .webm or .mp4; give a name that ends so"),
        (["a.mp4"], "b.png", "the output is b.png, and videos become .mov, .webm or .mp4; give a name that ends so"),
        (["a.jpg", "a.mp4"], "b.png", "the file b.png takes one picture; found 2 of them; give a folder with --output"),
        (["photos"], "b.png", "the file b.png takes one picture; found 2 of them; give a folder with --output"),
        (["none.jpg"], "b.gif", "there is no file or folder none.jpg"),
    ],
)
def test_an_output_that_cannot_be_the_file(given, output, sentence):
    touch("a.jpg", "a.mp4", "photos/b.jpg", "photos/c.jpg")
    assert refusal(*given, output=output) == sentence


def test_a_cut_out_in_the_place_of_a_picture():
    touch("a.png", "a.cut.png")
    said = "a.cut.png would take the place of a picture that is to be cut; give another --output"
    assert refusal("a.png", "a.cut.png") == said
    assert refusal("a.png", output="a.png").startswith("a.png would take the place")
    assert refusal("a.png", output=".").startswith("a.png would take the place")


def test_a_cut_out_in_the_place_of_a_picture_by_another_name():
    touch("a.png", "b/c.png")
    Path("out").symlink_to("b")
    assert "would take the place" in refusal("b", output="out")
    Path("link.png").symlink_to("a.png")
    assert "would take the place" in refusal("a.png", output="link.png")


def test_a_link_that_leads_out_of_the_output_folder():
    touch("photos/deep/a.jpg", "elsewhere/b")
    Path("out").mkdir()
    Path("out/deep").symlink_to("../elsewhere")
    assert refusal("photos", output="out").startswith("out/deep/a.png lies in ")


def test_a_glob_that_climbs_out_of_the_mirrored_tree():
    touch("photos/deep/a.jpg", "b.jpg")
    assert "does not lie below photos" in refusal("photos/*/../../*.jpg", output="out")


def test_links_to_folders_are_not_followed():
    touch("photos/a.jpg")
    Path("photos/loop").symlink_to("..")
    assert list(pairs("photos")) == ["photos/a.jpg"]


@pytest.mark.parametrize("inputs", [["-", "a.jpg"], ["-", "-"]])
def test_the_standard_input_stands_alone(inputs):
    touch("a.jpg")
    assert refusal(*inputs) == "- is the standard input and stands alone; found 2 inputs"


def test_the_standard_streams():
    touch("a.jpg", "photos/a.jpg", "photos/b.jpg")
    assert plan(["-"], None, "png") == [Job(None, None)]
    assert plan(["-"], "x.png", "png") == [Job(None, Path("x.png"))]
    assert plan(["a.jpg"], "-", "png") == [Job(Path("a.jpg"), None)]
    found = "the standard output takes one picture; found 2 of them; give a folder with --output"
    assert refusal("photos", output="-") == found


def test_what_is_there_already():
    touch("a.jpg", "b.jpg", "c.jpg", "a.cut.png", "c.cut.png")
    refuse_existing(plan(["b.jpg"], None, "png"))
    with pytest.raises(PlanError, match=r"^a.cut.png is there already; --resume leaves out what is there, --overwrite"):
        refuse_existing(plan(["a.jpg", "b.jpg"], None, "png"))
    with pytest.raises(PlanError, match=r"^a.cut.png and 1 others are there already"):
        refuse_existing(plan(["a.jpg", "b.jpg", "c.jpg"], None, "png"))


def test_the_format_is_what_was_asked_for_or_what_the_output_says():
    assert format_for(None, None) == "png"
    assert format_for("x.webp", None) == "webp"
    assert format_for("folder", None) == "png"
    assert format_for("x.webp", "png") == "png"
