"""NMEA 0183 instruments: what becomes of each sentence under a profile."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.contract import Driver, Event
from drivers.nmea.sentences import encode
from drivers.nmea.values import TABLE
from telemetry import Instant, ProfileError, Value, parse_utc
from telemetry.units import DISPLAY
from telemetry.words import check_name
from tests.drivers.listening import (
    CUTS,
    NOW,
    faults,
    feed,
    listener,
    listener_of,
    one_by_one,
    pieces,
    readings,
    reasons,
    values,
)

UNITS = {formatter: {name: value.unit for name, value in row.items()} for formatter, row in TABLE.items()}


def everything() -> Driver:
    """A driver that reads every value of every formatter, named `mwv_wind_speed_relative` and so on."""
    lines = [
        f"- {{name: {formatter.lower()}_{name}, title: {{en: a, vi: a}}, unit: '{unit}',"
        f" read: {{formatter: {formatter}, value: {name}}}}}"
        for formatter, row in UNITS.items()
        for name, unit in row.items()
    ]
    return listener_of("driver: nmea\nkind: test\nmetrics:\n" + "\n".join(lines))


def reader(read: str, unit: str = "1", settings: str = "{}") -> Driver:
    metric = f"{{name: x, title: {{en: a, vi: a}}, unit: '{unit}', read: {read}}}"
    return listener_of(f"driver: nmea\nkind: test\nsettings: {settings}\nmetrics: [{metric}]")


def say(driver: Driver, sentence: str, now: Instant = NOW) -> list[Event]:
    address, *fields = sentence.split(",")
    return feed(driver, [encode("", address, fields)], now)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("WIMWV,57.5,R,13.0,N,A", {"mwv_wind_angle_relative": 57.5, "mwv_wind_speed_relative": 6.687777778}),
        ("WIMWV,360.0,T,36.0,K,A", {"mwv_wind_angle_theoretical": 0.0, "mwv_wind_speed_theoretical": 10.0}),
        ("WIMWV,10,R,5.5,M,A", {"mwv_wind_angle_relative": 10.0, "mwv_wind_speed_relative": 5.5}),
        ("WIMWV,,R,5.5,M,A", {"mwv_wind_speed_relative": 5.5}),
        (
            "WIMWD,328.2,T,326.8,M,11.2,N,5.8,M",
            {"mwd_wind_direction_true": 328.2, "mwd_wind_direction_magnetic": 326.8, "mwd_wind_speed": 5.8},
        ),
        ("WIMWD,,T,,M,10,N,,M", {"mwd_wind_speed": 5.144444444}),
        ("SDMTW,12.6,C", {"mtw_water_temperature": 12.6}),
        ("SDMTW,-0.4,C", {"mtw_water_temperature": -0.4}),
        ("SDDBT,18.0,f,5.4,M,3.0,F", {"dbt_depth": 5.4}),
        ("SDDBT,18.0,f,,M,,F", {"dbt_depth": 5.4864}),
        ("SDDBT,,f,,M,3.0,F", {"dbt_depth": 5.4864}),
        ("SDDPT,5.3,0.4,", {"dpt_depth": 5.3, "dpt_depth_below_surface": 5.7}),
        ("SDDPT,5.3,-1.3,100", {"dpt_depth": 5.3, "dpt_depth_below_keel": 4.0}),
        ("SDDPT,5.3", {"dpt_depth": 5.3}),
        ("HEHDT,359.9,T", {"hdt_heading_true": 359.9}),
        ("HCHDM,12,M", {"hdm_heading_magnetic": 12.0}),
        (
            "SDHDG,229.8,2.0,W,1.3,E",
            {
                "hdg_heading_magnetic": 227.8,
                "hdg_heading_true": 229.1,
                "hdg_deviation": -2.0,
                "hdg_variation": 1.3,
            },
        ),
        (
            "SDHDG,359.0,,,1.5,E",
            {"hdg_heading_magnetic": 359.0, "hdg_heading_true": 0.5, "hdg_variation": 1.5},
        ),
        ("SDHDG,10.0,,,,", {"hdg_heading_magnetic": 10.0}),
        (
            "VDVDR,45.0,T,44.0,M,1.8,N",
            {"vdr_current_set_true": 45.0, "vdr_current_set_magnetic": 44.0, "vdr_current_drift": 0.926},
        ),
        ("SDVHW,,T,231.3,M,,N,10.8,K", {"vhw_heading_magnetic": 231.3, "vhw_speed_through_water": 3.0}),
        (
            "WIMDA,30.0,I,1.016,B,21.5,C,18.2,C,65.0,,14.7,C,90,T,88,M,10.0,N,5.1,M",
            {
                "mda_pressure": 1016.0,
                "mda_air_temperature": 21.5,
                "mda_water_temperature": 18.2,
                "mda_relative_humidity": 65.0,
                "mda_dew_point": 14.7,
                "mda_wind_direction_true": 90.0,
                "mda_wind_direction_magnetic": 88.0,
                "mda_wind_speed": 5.1,
            },
        ),
        ("WIMDA,30.0,I,,B", {"mda_pressure": 1015.9167}),
        (
            "GPGGA,094736,5251.0094,N,00518.8172,W,1,12,0.60,-4,M,46.8,M,,",
            {
                "gga_latitude": 52.850156667,
                "gga_longitude": -5.31362,
                "gga_satellites": 12.0,
                "gga_hdop": 0.6,
                "gga_altitude": -4.0,
                "gga_fix_quality": "gps",
                "gga_geoid_separation": 46.8,
            },
        ),
        ("GPGLL,5251.0000,S,00530.0,E,094736,A,A", {
            "gll_latitude": -52.85, "gll_longitude": 5.5, "gll_fix_quality": "gps",
        }),
        ("GPVTG,241.3,T,239.9,M,5.8,N,10.7,K,A", {
            "vtg_course_over_ground": 241.3,
            "vtg_course_over_ground_magnetic": 239.9,
            "vtg_speed_over_ground": 2.983777778,
        }),
        ("TIROT,-12.5,A", {"rot_rate_of_turn": -12.5}),
        ("HETHS,77.52,A", {"ths_heading_true": 77.52}),
        ("SDDBS,,f,7.5,M,,F", {"dbs_depth_below_surface": 7.5}),
        ("SDDBK,,f,2.5,M,,F", {"dbk_depth_below_keel": 2.5}),
        ("WIMTA,25.5,C", {"mta_air_temperature": 25.5}),
        ("WIMMB,29.9870,I,1.0154,B", {"mmb_pressure": 1015.4}),
        ("WIMHU,66.0,5.0,3.0,C", {
            "mhu_relative_humidity": 66.0, "mhu_absolute_humidity": 5.0, "mhu_dew_point": 3.0,
        }),
        ("WIVWR,024,L,018,N,,,,", {"vwr_wind_angle_relative": 336.0, "vwr_wind_speed_relative": 9.26}),
        ("WIVWT,024,R,,,9.5,M,,", {"vwt_wind_angle_theoretical": 24.0, "vwt_wind_speed_theoretical": 9.5}),
        ("VWVLW,100.5,N,10.25,N,,,7.5,N", {
            "vlw_distance_through_water": 100.5, "vlw_distance_through_water_since_reset": 10.25,
            "vlw_distance_over_ground_since_reset": 7.5,
        }),
        ("VDVBW,3.6,0.0,A,7.2,-3.6,A,1.8,V,,V", {
            "vbw_speed_through_water": 1.852, "vbw_speed_through_water_across": 0.0,
            "vbw_speed_over_ground": 3.704, "vbw_speed_over_ground_across": -1.852,
        }),
        ("IIVPW,4.5,N,6.7,M", {"vpw_speed_to_windward": 6.7}),
        ("IIRSA,10.5,A,-3.0,V", {"rsa_rudder_starboard": 10.5}),
        ("GNGNS,014035.00,4332.69262,S,17235.48549,E,RRAN,13,0.9,25.63,11.24,1.5,0001,S", {
            "gns_latitude": -43.544877, "gns_longitude": 172.591424833, "gns_fix_quality": "rtk",
            "gns_satellites": 13.0, "gns_hdop": 0.9, "gns_altitude": 25.63,
            "gns_geoid_separation": 11.24, "gns_correction_age": 1.5,
        }),
        ("GPGSA,A,3,14,16,26,29,32,,,,,,,,3.5,2.2,2.7", {
            "gsa_fix": "3d", "gsa_satellites_used": 5.0, "gsa_pdop": 3.5, "gsa_hdop": 2.2, "gsa_vdop": 2.7,
        }),
        ("GPGSV,3,1,12,03,06,308,,10,18,176,37,14,71,019,41,16,43,248,39", {"gsv_satellites_in_view": 12.0}),
        ("GPGST,165959.00,0.30,0.62,0.26,342.26,0.59,0.31,0.80", {
            "gst_range_error": 0.3, "gst_major_error": 0.62, "gst_minor_error": 0.26,
            "gst_latitude_error": 0.59, "gst_longitude_error": 0.31, "gst_altitude_error": 0.8,
        }),
        ("GPGBS,015509.00,-0.031,-0.186,0.219,19,0.000,-0.354,6.972", {
            "gbs_latitude_error": -0.031, "gbs_longitude_error": -0.186, "gbs_altitude_error": 0.219,
        }),
        ("IIALR,120000,042,A,V,GYRO FAULT", {
            "alr_alarm": True, "alr_alarm_acknowledged": False, "alr_alarm_number": "042",
            "alr_alarm_text": "GYRO FAULT",
        }),
        ("IIALF,1,1,0,120000,B,W,V,,3052,1,2,0,LOST TARGET", {
            "alf_alert_active": True, "alf_alert_priority": "warning", "alf_alert_state": "active",
            "alf_alert_number": "3052", "alf_alert_text": "LOST TARGET",
        }),
        ("GPTXT,01,01,02,ANTSTATUS=OK", {"txt_notice": "ANTSTATUS=OK", "txt_notice_number": "02"}),
        ("PGILT,A,-05,D,+02,D,+1,TILT", {
            "pgilt_tilt_east": -5.0, "pgilt_tilt_north": 2.0, "pgilt_upright": True,
        }),
        ("PVTM0,01,22112026,010201,03.152,0.012,1,12.4,0000", {
            "pvtm0_water_level": 3.152, "pvtm0_water_level_deviation": 0.012,
            "pvtm0_battery_voltage": 12.4, "pvtm0_status": "0000", "pvtm0_clock_offset": -2.0,
        }),
        ("PVTM0,01,22112026,010203,10.000,,2,,", {"pvtm0_water_level": 3.048, "pvtm0_clock_offset": 0.0}),
        ("PVTM0,01,,,10.34,,0,,", {"pvtm0_pressure": 1.034}),
        ("PVTM1,01,22112026,010203,010.00,01.00,020.00,0,120.5,05.00,1011.5,0,086.0,1,068.0,066.5", {
            "pvtm1_wind_speed": 5.144444444, "pvtm1_wind_gust": 10.288888889, "pvtm1_wind_direction": 120.5,
            "pvtm1_air_pressure": 1011.5, "pvtm1_air_temperature": 30.0, "pvtm1_dew_point": 20.0,
            "pvtm1_relative_humidity": 66.5, "pvtm1_clock_offset": 0.0,
        }),
        ("PVTM2,01,22112026,010203,19.5,0,45.10,mS", {
            "pvtm2_water_temperature": 19.5, "pvtm2_clock_offset": 0.0,
        }),
    ],
)  # fmt: skip
def test_a_sentence_says_these_values(sentence: str, expected: dict[str, Value]) -> None:
    events = say(everything(), sentence)
    assert faults(events) == []
    assert len(readings(events)) == 1
    told = {
        name: round(value, 9) if isinstance(value, float) else value for name, value in values(events).items()
    }
    assert told == expected


def test_the_recommended_minimum_says_position_course_speed_and_clock() -> None:
    now = Instant(parse_utc("2018-08-20T09:47:35.5Z"), 0.0)
    told = values(say(everything(), "GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,200818,1.4,E,A", now))
    assert told["rmc_clock_offset"] == pytest.approx(1.5)
    assert told["rmc_speed_over_ground"] == pytest.approx(5.6 * 1852 / 3600)
    assert (told["rmc_course_over_ground"], told["rmc_variation"]) == (230.5, 1.4)
    assert told["rmc_fix_quality"] == "gps"


def test_only_the_first_of_several_sentences_counts_the_satellites_in_view() -> None:
    assert say(everything(), "GPGSV,3,2,12,21,06,126,40,22,17,289") == []
    glonass = reader("{formatter: GSV, value: satellites_in_view, talker: GL}")
    assert say(glonass, "GPGSV,1,1,05") == []
    assert values(say(glonass, "GLGSV,1,1,05")) == {"x": 5.0}


def test_an_unknown_code_is_given_as_it_is_and_an_unknown_unit_is_a_fault() -> None:
    assert values(say(everything(), "GPGGA,,,,,,9,,,,,,,,")) == {"gga_fix_quality": "9"}
    assert reasons(say(everything(), "PVTM0,01,,,10.0,,7,,")) == {"value": 1}


def test_a_transducer_of_a_maker_with_letters_of_its_own_says_what_it_sends() -> None:
    rain = reader("{xdr: PRECIP, type: 'Y', sent_in: mm/h}", "mm/h")
    assert values(say(rain, "WIXDR,Y,012.500,M,PRECIP")) == {"x": 12.5}
    assert values(say(reader("{xdr: '0', type: C}", "Cel"), "WIXDR,C,86,F,0")) == {"x": 30.0}
    with pytest.raises(ProfileError, match=r"sent_in: .*unit 'ft' is not known"):
        reader("{xdr: A, sent_in: ft}")


def test_a_text_has_no_unit_scale_or_offset() -> None:
    with pytest.raises(ProfileError, match="metric x: fix is no number: leave unit, scale and offset out"):
        reader("{formatter: GSA, value: fix, scale: 2}")


@pytest.mark.parametrize(
    ("clock", "offset"),
    [
        ("010203.00,22,11,2026,-07,00", 0.0),
        ("010204.25,22,11,2026,00,00", 1.25),
        ("010202,22,11,26,,", -1.0),
        ("000000,23,11,2026,00,00", 82_677.0),
        ("235960,21,11,2026,00,00", -3723.0),
    ],
)
def test_zda_says_how_far_the_devices_clock_is_ahead(clock: str, offset: float) -> None:
    assert values(say(everything(), f"GPZDA,{clock}")) == {"zda_clock_offset": pytest.approx(offset)}


@pytest.mark.parametrize(
    "sentence",
    [
        "WIMWV,361.0,R,5.5,M,A",
        "WIMWV,10,R,5.5,X,A",
        "WIMWV,10,R,5.5,,A",
        "WIMWV,1e1,R,5.5,M,A",
        "WIMWV,nan,R,5.5,M,A",
        "WIMWV,-1.-3,R,5.5,M,A",
        "WIMWV,1_0,R,5.5,M,A",
        "WIMWV,10,R," + "9" * 400 + ",M,A",
    ],
)
def test_a_field_that_is_no_value_is_a_fault_and_the_others_are_read(sentence: str) -> None:
    events = say(everything(), sentence)
    assert reasons(events) == {"value": 1}
    assert len(values(events)) == 1
    assert faults(events)[0].frame.startswith(b"$WIMWV")


@pytest.mark.parametrize(
    "sentence",
    [
        "GPGLL,9100.0,N,00518.8170,E,094736,A,A",
        "GPGLL,5260.0,N,00518.8170,E,094736,A,A",
        "GPGLL,52,N,00518.8170,E,094736,A,A",
        "GPGLL,5251.0,X,00518.8170,E,094736,A,A",
        "GPZDA,246060,22,11,2026,00,00",
        "GPZDA,010203,31,02,2026,00,00",
        "GPZDA,010203,22,11,0,00,00",
        "GPZDA,010203,22,11,0000,00,00",
        "GPZDA,1,22,11,2026,00,00",
        "SDHDG,229.8,2.0,Q,1.3,E",
    ],
)
def test_a_position_or_a_clock_that_cannot_be_is_a_fault(sentence: str) -> None:
    assert reasons(say(everything(), sentence))["value"] > 0


@pytest.mark.parametrize(
    "sentence",
    [
        "WIMWV,57.5,R,13.0,N,V",
        "GPRMC,094737,V,5251.0093,N,00518.8170,E,5.6,230.5,200818,1.4,E,N",
        "GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,200818,1.4,E,N",
        "GPGLL,5251.0093,N,00518.8170,E,094736,V,N",
        "GPGGA,094736,5251.0094,N,00518.8172,E,0,00,,,M,,M,,",
        "TIROT,0.0,V",
        "HETHS,77.5,V",
        "GPVTG,241.3,T,239.9,M,5.8,N,10.7,K,N",
        "GNGNS,014035.00,4332.69262,S,17235.48549,E,NN,00,,,,,,V",
    ],
)
def test_what_the_instrument_itself_calls_invalid_is_a_fault_and_no_reading(sentence: str) -> None:
    events = say(everything(), sentence)
    assert readings(events) == []
    assert reasons(events) == {"invalid": 1}


def test_null_fields_say_nothing_and_are_no_fault() -> None:
    assert say(everything(), "SDMTW,,C") == []
    assert say(everything(), "WIMWD,,T,,M,,N,,M") == []


def test_sentences_the_profile_does_not_name_pass_silently() -> None:
    assert say(reader("{formatter: MTW, value: water_temperature}", "Cel"), "WIMWV,999,R,X,X,A") == []


def test_all_values_of_one_sentence_are_one_reading_at_the_gateways_time() -> None:
    (reading,) = readings(say(everything(), "WIMWD,328.2,T,326.8,M,11.2,N,5.8,M"))
    assert (reading.device, reading.kind, reading.observed_at) == ("dut", "test", NOW.utc)
    assert len(reading.values) == 3


def test_transducers_are_known_by_name_and_come_in_the_metrics_unit() -> None:
    driver = listener("nmea-weather")
    events = say(driver, "IIXDR,C,19.5,C,airtemp,P,1.026,B,BARO,H,81.5,P,HUMIDITY,A,2.9,D,HEEL")
    assert values(events) == {"air_temperature": 19.5, "air_pressure": 1026.0, "humidity": 81.5}
    assert values(say(driver, "WIXDR,P,101325,P,BARO")) == {"air_pressure": 1013.25}
    assert values(say(driver, "WIXDR,P,1013.2,H,BARO")) == {"air_pressure": 1013.2}


def test_a_generic_transducer_without_a_unit_is_taken_in_the_metrics_own() -> None:
    driver = reader("{xdr: '0', type: G, scale: 0.1, offset: -4}", "mm")
    assert values(say(driver, "WIXDR,G,50,,0,C,12,C,0")) == {"x": pytest.approx(1.0)}


def test_a_transducer_in_a_unit_of_another_quantity_is_a_fault() -> None:
    events = say(reader("{xdr: [BARO]}", "hPa"), "WIXDR,C,19.5,C,BARO")
    assert (reasons(events), readings(events)) == ({"value": 1}, [])


def test_an_unfinished_transducer_group_is_no_crash() -> None:
    assert say(reader("{xdr: BARO}", "hPa"), "WIXDR,P,1.0") == []


def test_a_metric_may_ask_for_another_unit_scale_offset_and_talker() -> None:
    knots = reader("{formatter: MWD, value: wind_speed, talker: WI}", "[kn_i]")
    assert values(say(knots, "WIMWD,,T,,M,11.2,N,,M")) == {"x": pytest.approx(11.2)}
    assert say(knots, "XXMWD,,T,,M,11.2,N,,M") == []
    kelvin = reader("{formatter: MTW, value: water_temperature, offset: 1}", "K")
    assert values(say(kelvin, "SDMTW,20,C")) == {"x": pytest.approx(294.15)}


def test_of_many_talkers_on_one_line_only_those_wanted_are_heard() -> None:
    read = "{formatter: MTW, value: water_temperature}"
    driver = reader(read, "Cel", settings="{talkers: [YX, SD]}")
    assert say(driver, "IIMTW,19,C") == []
    assert values(say(driver, "SDMTW,20,C")) == {"x": 20.0}
    assert values(say(reader(read, "Cel", settings="{talkers: II}"), "IIMTW,19,C")) == {"x": 19.0}


def test_a_mast_that_is_not_aligned_north_is_turned_by_an_offset() -> None:
    driver = reader("{formatter: MWV, value: wind_angle_relative, offset: 30}", "deg")
    assert values(say(driver, "WIMWV,350,R,5,M,A")) == {"x": 20.0}


def test_one_quantity_from_whichever_sentence_the_model_sends() -> None:
    driver = reader("{any_of: [{formatter: MTW, value: water_temperature}, {xdr: TEMP}]}", "Cel")
    assert values(say(driver, "SDMTW,20,C")) == {"x": 20.0}
    assert values(say(driver, "SDXDR,C,21,C,TEMP")) == {"x": 21.0}


def test_a_missing_checksum_is_a_fault_unless_the_profile_forgives_it() -> None:
    read = "{formatter: MTW, value: water_temperature}"
    assert reasons(feed(reader(read, "Cel"), [b"$SDMTW,20,C\r\n"])) == {"framing": 1}
    forgiving = reader(read, "Cel", settings="{checksum: optional}")
    assert values(feed(forgiving, [b"$SDMTW,20,C\r\n"])) == {"x": 20.0}
    assert reasons(feed(forgiving, [b"$SDMTW,20,C*00\r\n"])) == {"checksum": 1}


def test_an_endless_line_is_dropped_and_the_next_sentence_read() -> None:
    events = feed(everything(), [b"\xff" * 65_536] * 16 + [b"\n", encode("SD", "MTW", [20, "C"])])
    assert reasons(events) == {"overlong": 1}
    assert values(events) == {"mtw_water_temperature": 20.0}


def test_a_datagram_ends_its_line_itself_and_a_reconnection_forgets_half_a_line() -> None:
    driver = everything()
    line = encode("SD", "MTW", [20, "C"])
    assert len(driver.receive(line.strip(), NOW, "192.0.2.1:9")) == 1
    driver.receive(line[:5], NOW)
    driver.connected(NOW)
    assert len(readings(driver.receive(line, NOW))) == 1


@pytest.mark.parametrize(
    ("read", "unit", "message"),
    [
        (
            "{formatter: MVW, value: x}",
            "1",
            r"metric x: no formatter 'MVW' is read; there are DBK, .*XDR|xdr",
        ),
        ("{formatter: MWV, value: spd}", "1", "metric x: MWV has no value 'spd'; it has wind_angle_relative"),
        ("{formatter: MWV, value: wind_speed_relative}", "Cel", "comes in m/s, which cannot become Cel"),
        ("{formatter: MWV}", "1", "either formatter and value, or xdr, or a list any_of"),
        ("{}", "1", "either formatter and value, or xdr, or a list any_of"),
        ("{formatter: MTW, value: water_temperature, xdr: A}", "Cel", "either formatter and value"),
        ("{any_of: [{any_of: [{xdr: A}]}]}", "1", "either formatter and value"),
        (
            "{formater: MTW}",
            "1",
            "formater: is not a key here; did you mean formatter",
        ),
        ("{xdr: A, scale: .nan}", "1", "scale"),
    ],
)
def test_a_profile_that_cannot_be_read_says_metric_and_remedy(read: str, unit: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message) as caught:
        reader(read, unit)
    assert str(caught.value).startswith("profile test: metric x: ")


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ProfileError, match=r"profile test: settings: checksum: .*'required' or 'optional'"):
        reader("{xdr: A}", settings="{checksum: maybe}")


def test_every_value_of_the_table_could_be_a_metric() -> None:
    for row in UNITS.values():
        for name, unit in row.items():
            assert check_name(name) == name
            assert unit in DISPLAY


FIELD = st.sampled_from(
    ["", "A", "V", "R", "T", "N", "M", "K", "E", "W", "f", "C", "P", "0", "-1", "12.5", "359"]
)
ANY_FIELD = (
    FIELD | st.text(st.characters(max_codepoint=255), max_size=10) | st.from_regex(r"[0-9]{4,9}\.?[0-9]*")
)


DRIVERS = (everything(), listener("nmea-weather"), listener("nmea-navigation"))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*TABLE, "XDR", "XXX"]), st.lists(ANY_FIELD, max_size=24))
def test_no_fields_of_any_sentence_raise_and_every_value_is_finite(formatter: str, fields: list[str]) -> None:
    for driver in DRIVERS:
        talker = "" if len(formatter) == 5 else "II"
        for value in values(feed(driver, [encode(talker, formatter, fields)])).values():
            assert isinstance(value, bool | str) or abs(value) < 1e300


WRECKAGE = [b"$", b"!", b"\\", b"*00", b"\xff", b"\0", b"\r\n", b"\n", b",", b"$SDMTW,", b"y" * 1100]
SENTENCES = [encode("WI", "MWD", [1, "T", 2, "M", 3, "N", 4, "M"]), encode("SD", "MTW", ["x", "C"])]
STREAM = st.lists(st.sampled_from([*SENTENCES, *WRECKAGE]), max_size=20).map(b"".join)


@settings(max_examples=100, deadline=None)
@given(STREAM | st.binary(max_size=200), CUTS)
def test_any_bytes_in_any_chunking_raise_nothing_and_give_the_same(data: bytes, cuts: list[int]) -> None:
    whole = feed(listener("nmea-weather"), [data])
    for chunks in (pieces(data, cuts), one_by_one(data)):
        events = feed(listener("nmea-weather"), chunks)
        assert readings(events) == readings(whole)
        assert Counter(faults(events)) == Counter(faults(whole))
