from landcover.tiles import read_dataset, write_dataset


def test_the_description_of_a_data_set_reads_back(classes, tmp_path):
    write_dataset(tmp_path, classes, 1 / 3)
    assert read_dataset(tmp_path) == (classes, 1 / 3)
