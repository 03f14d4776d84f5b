from pathlib import Path

SAMPLE = Path(__file__).parents[2] / "data" / "customers.csv"


def test_customers_are_imported_and_shown(kb, home):
    done = kb("--home", home, "customers", "import", SAMPLE)
    assert (done.code, done.out) == (0, "140 customers imported\n")
    shown = kb("--home", home, "customers", "show", "C-1093")
    assert shown.code == 0
    for word in ("Floris Akkermansdijk", "premium", "Europe/Amsterdam", "Hub H2, Drop, Valve"):
        assert word in shown.out


def test_json_shows_every_field(kb, home):
    assert kb("--home", home, "customers", "import", SAMPLE, "--json").json == {"imported": 140}
    found = kb("--home", home, "customers", "show", "C-1126", "--json").json
    assert found["tier"] == "enterprise"
    assert found["company"] == "Hotel Bergquell AG"
    assert found["products"] == ["Hub H2", "Drop", "Valve"]
    assert found["preferences"] == {"plan_since": "2025-06-10"}
    assert found["reached"] is True


def test_a_file_with_a_bad_row_imports_nobody_and_names_each(kb, home, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("customer_id,tier\nC-1,premium\nC-2,gold\nC-1,premium\n")
    done = kb("--home", home, "customers", "import", path)
    assert done.code == 2
    said = done.says_one_line()
    for word in ("bad.csv", "line 3, tier", "'gold'", "line 4, customer_id"):
        assert word in said
    assert kb("--home", home, "customers", "show", "C-1").code == 1


def test_an_import_replaces_who_is_there_already(kb, home, tmp_path):
    path = tmp_path / "customers.csv"
    for name in ("Ada", "Ada B."):
        path.write_text(f"customer_id,tier,name\nC-1,premium,{name}\n")
        kb("--home", home, "customers", "import", path)
    assert kb("--home", home, "customers", "show", "C-1", "--json").json["name"] == "Ada B."


def test_an_unknown_customer_is_named_with_what_to_do(kb, home):
    done = kb("--home", home, "customers", "show", "C-9")
    assert done.code == 1
    assert "C-9" in done.says_one_line()


def test_customers_are_shown_from_wherever_the_settings_say(kb, home, tmp_path):
    config = tmp_path / "ours.toml"
    config.write_text(f'[crm]\nuse = "csv"\npath = "{SAMPLE}"\n')
    assert kb("--home", home, "--config", config, "customers", "show", "C-1093").code == 0


def test_a_crm_that_cannot_be_asked_is_a_part_that_is_missing(kb, home, tmp_path):
    config = tmp_path / "ours.toml"
    query = "SELECT * FROM customer WHERE customer_id = :customer_id"
    url = f"sqlite:///{tmp_path}/none.db"
    config.write_text(f'[crm]\nuse = "sql"\nurl = "{url}"\nquery = "{query}"\n')
    done = kb("--home", home, "--config", config, "customers", "show", "C-1")
    assert done.code == 3
    assert "crm is unreachable" in done.says_one_line()


def test_a_setting_of_a_crm_that_cannot_be_right_is_refused(kb, home, tmp_path):
    config = tmp_path / "ours.toml"
    url = "http://127.0.0.1/{customer_id}"
    for wrong, words in (("timeout = 0", "[crm] timeout must be"), ("timout = 1", "'timout'")):
        config.write_text(f'[crm]\nuse = "http"\nurl = "{url}"\n{wrong}\n')
        done = kb("--home", home, "--config", config, "customers", "show", "C-1")
        assert done.code == 2
        assert words in done.says_one_line()
