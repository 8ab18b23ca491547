"""What the codes of AIS messages mean, in English and Vietnamese.

Source: ITU-R M.1371-5, annex 8: navigational status 3.1, ship type table 53, aids to navigation table 74.
"""

from telemetry import Title

NAV_STATUS: dict[int, Title] = {
    0: Title(en="Under way using engine", vi="Đang hành trình bằng máy"),
    1: Title(en="At anchor", vi="Đang neo"),
    2: Title(en="Not under command", vi="Mất khả năng điều động"),
    3: Title(en="Restricted manoeuvrability", vi="Hạn chế khả năng điều động"),
    4: Title(en="Constrained by her draught", vi="Bị hạn chế bởi mớn nước"),
    5: Title(en="Moored", vi="Đã buộc cầu"),
    6: Title(en="Aground", vi="Mắc cạn"),
    7: Title(en="Engaged in fishing", vi="Đang đánh cá"),
    8: Title(en="Under way sailing", vi="Đang chạy buồm"),
    9: Title(en="Reserved for high-speed craft", vi="Dành cho tàu cao tốc"),
    10: Title(en="Reserved for wing in ground craft", vi="Dành cho tàu đệm khí động"),
    11: Title(en="Towing astern", vi="Đang lai kéo phía sau"),
    12: Title(en="Pushing ahead or towing alongside", vi="Đang đẩy hoặc lai áp mạn"),
    13: Title(en="Reserved", vi="Dự trữ"),
    14: Title(en="Search and rescue transmitter active", vi="Thiết bị tìm kiếm cứu nạn đang phát"),
    15: Title(en="Undefined", vi="Không xác định"),
}
"""Navigational status 0–15."""

_TENS: dict[int, Title] = {
    1: Title(en="Reserved", vi="Dự trữ"),
    2: Title(en="Wing in ground craft", vi="Tàu đệm khí động"),
    4: Title(en="High-speed craft", vi="Tàu cao tốc"),
    6: Title(en="Passenger ship", vi="Tàu khách"),
    7: Title(en="Cargo ship", vi="Tàu hàng"),
    8: Title(en="Tanker", vi="Tàu chở hàng lỏng"),
    9: Title(en="Other ship", vi="Tàu loại khác"),
}
_UNITS: dict[int, Title] = {
    30: Title(en="Fishing vessel", vi="Tàu cá"),
    31: Title(en="Towing", vi="Tàu lai"),
    32: Title(en="Towing, tow longer than 200 m or wider than 25 m", vi="Tàu lai, đoàn lai dài hơn 200 m"),
    33: Title(en="Dredging or underwater operations", vi="Nạo vét hoặc công trình ngầm"),
    34: Title(en="Diving operations", vi="Công tác lặn"),
    35: Title(en="Military operations", vi="Tàu quân sự"),
    36: Title(en="Sailing vessel", vi="Tàu buồm"),
    37: Title(en="Pleasure craft", vi="Du thuyền"),
    50: Title(en="Pilot vessel", vi="Tàu hoa tiêu"),
    51: Title(en="Search and rescue vessel", vi="Tàu tìm kiếm cứu nạn"),
    52: Title(en="Tug", vi="Tàu kéo"),
    53: Title(en="Port tender", vi="Tàu phục vụ cảng"),
    54: Title(en="Anti-pollution vessel", vi="Tàu chống ô nhiễm"),
    55: Title(en="Law enforcement vessel", vi="Tàu thực thi pháp luật"),
    56: Title(en="Local vessel", vi="Tàu địa phương"),
    57: Title(en="Local vessel", vi="Tàu địa phương"),
    58: Title(en="Medical transport", vi="Tàu y tế"),
    59: Title(en="Ship of a state not party to an armed conflict", vi="Tàu của nước trung lập"),
}
_HAZARD: dict[int, Title] = {
    1: Title(en="hazard category X", vi="hàng nguy hiểm loại X"),
    2: Title(en="hazard category Y", vi="hàng nguy hiểm loại Y"),
    3: Title(en="hazard category Z", vi="hàng nguy hiểm loại Z"),
    4: Title(en="hazard category OS", vi="hàng nguy hiểm loại OS"),
}


def ship_type_name(code: int) -> Title | None:
    """What a type of ship and cargo is called; None for 0 and for a code the standard reserves."""
    if code in _UNITS:
        return _UNITS[code]
    kind = _TENS.get(code // 10)
    if kind is None or code > 99:
        return None
    hazard = _HAZARD.get(code % 10)
    return kind if hazard is None else Title(en=f"{kind.en}, {hazard.en}", vi=f"{kind.vi}, {hazard.vi}")


SHIP_TYPE: dict[int, Title] = {
    code: name for code in range(1, 100) if (name := ship_type_name(code)) is not None
}
"""Every type of ship and cargo that has a meaning."""

AID_TYPE: dict[int, Title] = {
    0: Title(en="Aid to navigation", vi="Báo hiệu hàng hải"),
    1: Title(en="Reference point", vi="Điểm tham chiếu"),
    2: Title(en="Racon", vi="Tiêu radar"),
    3: Title(en="Fixed structure off shore", vi="Công trình cố định ngoài khơi"),
    4: Title(en="Emergency wreck marking buoy", vi="Phao báo xác tàu khẩn cấp"),
    5: Title(en="Light without sectors", vi="Đèn không phân cung"),
    6: Title(en="Light with sectors", vi="Đèn phân cung"),
    7: Title(en="Leading light, front", vi="Chập tiêu trước"),
    8: Title(en="Leading light, rear", vi="Chập tiêu sau"),
    9: Title(en="Beacon, cardinal north", vi="Tiêu phương vị bắc"),
    10: Title(en="Beacon, cardinal east", vi="Tiêu phương vị đông"),
    11: Title(en="Beacon, cardinal south", vi="Tiêu phương vị nam"),
    12: Title(en="Beacon, cardinal west", vi="Tiêu phương vị tây"),
    13: Title(en="Beacon, port hand", vi="Tiêu phía trái luồng"),
    14: Title(en="Beacon, starboard hand", vi="Tiêu phía phải luồng"),
    15: Title(en="Beacon, preferred channel port hand", vi="Tiêu hướng luồng chính, phía trái"),
    16: Title(en="Beacon, preferred channel starboard hand", vi="Tiêu hướng luồng chính, phía phải"),
    17: Title(en="Beacon, isolated danger", vi="Tiêu chướng ngại vật biệt lập"),
    18: Title(en="Beacon, safe water", vi="Tiêu vùng nước an toàn"),
    19: Title(en="Beacon, special mark", vi="Tiêu chuyên dùng"),
    20: Title(en="Buoy, cardinal north", vi="Phao phương vị bắc"),
    21: Title(en="Buoy, cardinal east", vi="Phao phương vị đông"),
    22: Title(en="Buoy, cardinal south", vi="Phao phương vị nam"),
    23: Title(en="Buoy, cardinal west", vi="Phao phương vị tây"),
    24: Title(en="Buoy, port hand", vi="Phao phía trái luồng"),
    25: Title(en="Buoy, starboard hand", vi="Phao phía phải luồng"),
    26: Title(en="Buoy, preferred channel port hand", vi="Phao hướng luồng chính, phía trái"),
    27: Title(en="Buoy, preferred channel starboard hand", vi="Phao hướng luồng chính, phía phải"),
    28: Title(en="Buoy, isolated danger", vi="Phao chướng ngại vật biệt lập"),
    29: Title(en="Buoy, safe water", vi="Phao vùng nước an toàn"),
    30: Title(en="Buoy, special mark", vi="Phao chuyên dùng"),
    31: Title(en="Light vessel, LANBY or rig", vi="Tàu đèn, phao lớn hoặc giàn"),
}
"""Types of aids to navigation 0–31."""
